# Run before the scripts of users by 99-sealmilter.conf, which says why.
require ["vnd.dovecot.filter", "fileinto"];

# As a test: a plain `filter` that fails goes on with the readable message,
# and so does a script that ends in an error.
if not filter "sealmilter-seal" {
	# Cannot be opened, ever: the message is deferred (4xx).
	fileinto "sealmilter-deferred/now";
	stop;
}
