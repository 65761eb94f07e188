/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * report_html.c - what was found in mailboxes, as a page to read and print.
 *
 * In:    a report.
 * Out:   one HTML page; charts are SVG in it.
 * Never: has a script, loads anything, or says what a message says.
 */
#include "config.h"

#include "ctl/report.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

/* Findings of one kind on the page; the other reports have more. */
#define LISTED 200

static const char style[] =
    ":root{--bg:#fff;--fg:#1c2430;--dim:#5b6675;--line:#dde3ea;--card:#f5f7fa;"
    "--good:#1f7a4d;--bad:#b3261e;--warn:#9a6700;--track:#e6ebf1}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#14181d;--fg:#e6eaf0;"
    "--dim:#9aa6b5;--line:#2c343e;--card:#1c2229;--good:#4cc38a;"
    "--bad:#ff7b72;--warn:#e3b341;--track:#2a323c}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--bg);color:var(--fg);"
    "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',"
    "sans-serif}\n"
    "main{max-width:62rem;margin:0 auto;padding:2.5rem 1.5rem 4rem}\n"
    "h1{font-size:1.1rem;font-weight:600;color:var(--dim);margin:0}\n"
    "h2{font-size:1.15rem;margin:2.75rem 0 .75rem}\n"
    "p{margin:.4rem 0}\n"
    ".verdict{font-size:1.7rem;line-height:1.25;font-weight:650;"
    "margin:.35rem 0 .4rem;max-width:44rem}\n"
    ".good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}\n"
    ".dim{color:var(--dim)}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,"
    "1fr));gap:.75rem;margin:1.5rem 0 0}\n"
    ".tile{background:var(--card);border:1px solid var(--line);"
    "border-radius:.6rem;padding:.8rem 1rem}\n"
    ".tile b{display:block;font-size:1.5rem;line-height:1.2;"
    "font-variant-numeric:tabular-nums}\n"
    ".tile span{color:var(--dim);font-size:.9rem}\n"
    "svg{display:block;width:100%;height:auto;overflow:visible}\n"
    "svg text{font:13px system-ui,'DejaVu Sans',sans-serif;fill:var(--fg)}\n"
    "svg .dim{fill:var(--dim)}\n"
    "table{border-collapse:collapse;width:100%;font-size:.93rem}\n"
    "table.f{table-layout:fixed}table.f th:nth-child(1){width:26%}"
    "table.f th:nth-child(2){width:36%}table.f td{overflow-wrap:anywhere}\n"
    "th{text-align:left;color:var(--dim);font-weight:600;font-size:.85rem}\n"
    "th,td{padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line);"
    "vertical-align:top}\n"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;"
    "white-space:nowrap}\n"
    "code{font:.85em/1.45 ui-monospace,'DejaVu Sans Mono',monospace;"
    "overflow-wrap:anywhere}\n"
    ".wide{overflow-x:auto}\n"
    "@media(max-width:40rem){main{padding:1.5rem 1rem 3rem}.verdict{"
    "font-size:1.35rem}svg text{font-size:20px}}\n"
    ".note{background:var(--card);border-left:3px solid var(--line);"
    "padding:.6rem .9rem;margin:.5rem 0 .75rem;border-radius:0 .4rem .4rem 0}\n"
    ".note.bad{border-color:var(--bad);color:inherit}\n"
    "footer{margin-top:3.5rem;color:var(--dim);font-size:.88rem;"
    "border-top:1px solid var(--line);padding-top:1rem}\n"
    "@media print{:root{--bg:#fff;--fg:#000;--dim:#444;--line:#bbb;"
    "--card:#fff;--good:#1f7a4d;--bad:#b3261e;--warn:#7a5200;--track:#ddd}"
    "main{max-width:none;padding:0}.tiles{grid-template-columns:repeat("
    "6,1fr)}.tile{padding:.5rem "
    ".6rem}body{font-size:10.5pt}h2,.note{break-after:"
    "avoid}tr,.tile,svg{break-inside:avoid}thead{display:table-header-group}"
    "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n";

static void
text(GString *html, const char *what)
{
	char *escaped = g_markup_escape_text(what, -1);

	g_string_append(html, escaped);
	g_free(escaped);
}

static void
number(GString *html, uint64_t value)
{
	char *digits = report_number(value);

	g_string_append(html, digits);
	g_free(digits);
}

static void
cell(GString *html, uint64_t value, const char *class)
{
	g_string_append_printf(
	    html, "<td class=\"n %s\">", value == 0 ? "dim" : class);
	number(html, value);
	g_string_append(html, "</td>");
}

static char *
date_of(int64_t when, const char *format)
{
	GDateTime *time = g_date_time_new_from_unix_utc(when);
	char *date = time == NULL ? NULL : g_date_time_format(time, format);

	if (time != NULL)
		g_date_time_unref(time);
	return date == NULL ? g_strdup("?") : date;
}

/* --- The top */

static const char *
verdict_class(const struct report *report)
{
	guint i;

	for (i = 0; i < FINDING_KINDS; i++)
		if (finding_is_bad((enum finding_kind)i) &&
		    report->counts[i] > 0)
			return "bad";
	return report->counts[FINDING_UNCERTAIN] > 0 ? "warn" : "good";
}

static void
tile(GString *html, uint64_t value, const char *class, const char *label)
{
	g_string_append_printf(html, "<div class=\"tile\"><b class=\"%s\">",
	    value == 0 ? "" : class);
	number(html, value);
	g_string_append_printf(html, "</b><span>%s</span></div>\n", label);
}

static void
page_top(GString *html, const struct report *report)
{
	const struct coverage *total = &report->total;
	char *verdict = report_verdict(report);
	char *date = date_of(report->when, "%e %B %Y, %H:%M UTC");
	char *percent = report_percent(total->sealed, total->messages);

	g_string_append_printf(html,
	    "<h1>Stored mail, %s</h1>\n<p class=\"verdict %s\">",
	    g_strstrip(date), verdict_class(report));
	text(html, verdict);
	g_string_append_printf(html,
	    "</p>\n<p class=\"dim\">Every message file of these mailboxes was"
	    " parsed; so was every other file in them, for text that stayed"
	    " behind.</p>\n<div class=\"tiles\">\n"
	    "<div class=\"tile\"><b>%s</b><span>sealed</span></div>\n",
	    percent);
	tile(html, total->messages, "", "messages");
	tile(html, total->readable, "bad", "readable");
	tile(html, total->damaged, "bad", "damaged");
	tile(html, total->uncertain, "warn", "uncertain");
	tile(html, total->mailboxes, "", "mailboxes");
	g_string_append(html, "</div>\n");
	g_free(percent);
	g_free(date);
	g_free(verdict);
}

/* --- Charts */

#define BAR_X 210.0
#define BAR_WIDTH 400.0
#define BAR_STEP 30.0
#define BARS 60
#define DOMAIN_CHARS 26 /* of a name in front of its bar */

static void
part_of_bar(GString *html, double *xp, double y, uint64_t part, uint64_t whole,
    const char *color)
{
	double width =
	    whole == 0 ? 0.0 : BAR_WIDTH * (double)part / (double)whole;
	char x[G_ASCII_DTOSTR_BUF_SIZE], w[G_ASCII_DTOSTR_BUF_SIZE];

	if (part == 0)
		return;
	/* What there is can be seen, however little. */
	width = MAX(width, 3.0);
	g_string_append_printf(html,
	    "<rect x=\"%s\" y=\"%d\" width=\"%s\" height=\"14\""
	    " fill=\"var(--%s)\"/>",
	    g_ascii_formatd(x, sizeof(x), "%.1f", *xp), (int)y,
	    g_ascii_formatd(w, sizeof(w), "%.1f", width), color);
	*xp += width;
}

static void
one_bar(GString *html, const struct coverage *domain, double y)
{
	char *percent = report_percent(domain->sealed, domain->messages);
	char *name;
	double x = BAR_X;

	g_string_append_printf(html,
	    "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", (int)BAR_X - 12,
	    (int)y + 12);
	name = domain->domain[0] == '\0' ? g_strdup("owner not known")
					 : g_strdup(domain->domain);
	if (strlen(name) > DOMAIN_CHARS)
		memcpy(name + DOMAIN_CHARS - 3, "...", 4);
	text(html, name);
	g_free(name);
	g_string_append_printf(html,
	    "</text><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"14\""
	    " fill=\"var(--track)\"/>",
	    (int)BAR_X, (int)y, (int)BAR_WIDTH);
	part_of_bar(html, &x, y, domain->sealed, domain->messages, "good");
	part_of_bar(html, &x, y, domain->readable, domain->messages, "bad");
	part_of_bar(html, &x, y, domain->damaged + domain->uncertain,
	    domain->messages, "warn");
	g_string_append_printf(html,
	    "<text x=\"%d\" y=\"%d\">%s <tspan class=\"dim\">of ",
	    (int)(BAR_X + BAR_WIDTH) + 12, (int)y + 12, percent);
	number(html, domain->messages);
	g_string_append(html, "</tspan></text>\n");
	g_free(percent);
}

static void
chart_of_domains(GString *html, const struct report *report)
{
	guint i, count = MIN(report->domains->len, BARS);

	g_string_append_printf(html,
	    "<h2>Coverage by domain</h2>\n<svg viewBox=\"0 0 760 %d\""
	    " role=\"img\" aria-label=\"Share of sealed messages by"
	    " domain\">\n",
	    (int)(count * BAR_STEP));
	for (i = 0; i < count; i++)
		one_bar(html, g_ptr_array_index(report->domains, i),
		    i * BAR_STEP + 6);
	g_string_append(html,
	    "</svg>\n<p class=\"dim\"><span class=\"good\">&#9632;</span>"
	    " sealed &nbsp; <span class=\"bad\">&#9632;</span> readable"
	    " &nbsp; <span class=\"warn\">&#9632;</span> damaged or"
	    " uncertain</p>\n");
	if (report->domains->len > count)
		g_string_append_printf(html,
		    "<p class=\"dim\">and %u more domains, which the json and"
		    " csv reports list</p>\n",
		    report->domains->len - count);
}

#define TIME_LEFT 48.0
#define TIME_WIDTH 690.0
#define TIME_HEIGHT 150.0

static void
point(const struct report *report, guint i, char *x, char *y)
{
	const struct past *first = g_ptr_array_index(report->history, 0);
	const struct past *last =
	    g_ptr_array_index(report->history, report->history->len - 1);
	const struct past *past = g_ptr_array_index(report->history, i);
	double span = (double)(last->when - first->when);
	double share = past->messages == 0
			   ? 1.0
			   : (double)past->sealed / (double)past->messages;

	(void)g_ascii_formatd(x, G_ASCII_DTOSTR_BUF_SIZE, "%.1f",
	    TIME_LEFT +
		(span <= 0 ? TIME_WIDTH
			   : TIME_WIDTH * (double)(past->when - first->when) /
				 span));
	(void)g_ascii_formatd(y, G_ASCII_DTOSTR_BUF_SIZE, "%.1f",
	    10.0 + TIME_HEIGHT * (1.0 - share));
}

static void
time_grid(GString *html, const struct report *report)
{
	const struct past *first = g_ptr_array_index(report->history, 0);
	char *from = date_of(first->when, "%Y-%m-%d %H:%M");
	char *to = date_of(report->when, "%Y-%m-%d %H:%M");
	int i, y;

	for (i = 0; i <= 4; i++) {
		y = 10 + i * (int)TIME_HEIGHT / 4;
		g_string_append_printf(html,
		    "<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\""
		    " stroke=\"var(--line)\"/><text class=\"dim\" x=\"%d\""
		    " y=\"%d\" text-anchor=\"end\">%d %%</text>\n",
		    (int)TIME_LEFT, (int)(TIME_LEFT + TIME_WIDTH), y, y,
		    (int)TIME_LEFT - 8, y + 4, 100 - i * 25);
	}
	g_string_append_printf(html,
	    "<text class=\"dim\" x=\"%d\" y=\"%d\">%s</text>"
	    "<text class=\"dim\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s"
	    "</text>\n",
	    (int)TIME_LEFT, (int)TIME_HEIGHT + 30, from,
	    (int)(TIME_LEFT + TIME_WIDTH), (int)TIME_HEIGHT + 30, to);
	g_free(from);
	g_free(to);
}

static void
chart_of_time(GString *html, const struct report *report)
{
	char x[G_ASCII_DTOSTR_BUF_SIZE], y[G_ASCII_DTOSTR_BUF_SIZE];
	guint i;

	if (report->history->len < 2)
		return;
	g_string_append_printf(html,
	    "<h2>Coverage over time</h2>\n<svg viewBox=\"0 0 760 %d\""
	    " role=\"img\" aria-label=\"Share of sealed messages in the last"
	    " %u reports\">\n",
	    (int)TIME_HEIGHT + 36, report->history->len);
	time_grid(html, report);
	g_string_append(html,
	    "<polyline fill=\"none\" stroke=\"var(--good)\""
	    " stroke-width=\"2.5\" stroke-linejoin=\"round\" points=\"");
	for (i = 0; i < report->history->len; i++) {
		point(report, i, x, y);
		g_string_append_printf(html, "%s,%s ", x, y);
	}
	g_string_append(html, "\"/>\n");
	for (i = 0; report->history->len <= 60 && i < report->history->len;
	     i++) {
		point(report, i, x, y);
		g_string_append_printf(html,
		    "<circle cx=\"%s\" cy=\"%s\" r=\"3.5\""
		    " fill=\"var(--good)\"/>",
		    x, y);
	}
	g_string_append(html, "</svg>\n");
}

/* --- Findings */

static void
finding_rows(GString *html, const struct report *report, enum finding_kind kind)
{
	const struct verified *verified;
	const struct finding *finding;
	uint64_t listed = 0;
	guint i, j;

	for (i = 0; i < report->mailboxes->len; i++) {
		verified = g_ptr_array_index(report->mailboxes, i);
		for (j = 0; j < verified->findings->len; j++) {
			finding = g_ptr_array_index(verified->findings, j);
			if (finding->kind != kind || listed++ >= LISTED)
				continue;
			g_string_append(html, "<tr><td>");
			text(html, verified->address[0] != '\0'
				       ? verified->address
				       : verified->path);
			g_string_append(html, "</td><td><code>");
			text(html, finding->path[0] == '\0' ? "(the mailbox)"
							    : finding->path);
			g_string_append(html, "</code></td><td>");
			text(html, finding->what);
			g_string_append(html, "</td></tr>\n");
		}
	}
	if (report->counts[kind] > LISTED)
		g_string_append_printf(html,
		    "<tr><td colspan=\"3\" class=\"dim\">and %" PRIu64
		    " more, which the csv and json reports list</td></tr>\n",
		    report->counts[kind] - MIN(listed, LISTED));
}

static void
findings(GString *html, const struct report *report)
{
	static const char *const titles[FINDING_KINDS] = {
	    [FINDING_READABLE] = "Readable messages",
	    [FINDING_LEFTOVER] = "Readable text beside the messages",
	    [FINDING_DAMAGED] = "Damaged messages",
	    [FINDING_FOREIGN] = "Sealed, but not (only) to their owner",
	    [FINDING_UNCERTAIN] = "What could not be looked at",
	    [FINDING_OLD_KEY] = "Sealed to an older key of their owner",
	};
	enum finding_kind kind;
	guint i;

	for (i = 0; i < FINDING_KINDS; i++) {
		kind = (enum finding_kind)i;
		if (report->counts[i] == 0)
			continue;
		g_string_append_printf(
		    html, "<h2>%s <span class=\"dim\">", titles[i]);
		number(html, report->counts[i]);
		g_string_append_printf(html,
		    "</span></h2>\n<p class=\"note %s\">",
		    finding_is_bad(kind) ? "bad" : "");
		text(html, report_advice(kind));
		g_string_append(html,
		    "</p>\n<table class=\"f\"><thead><tr><th>Mailbox</th>"
		    "<th>File</th>"
		    "<th>What</th></tr></thead><tbody>\n");
		finding_rows(html, report, kind);
		g_string_append(html, "</tbody></table>\n");
	}
}

/* --- Mailboxes */

static void
mailbox_row(GString *html, const struct verified *verified)
{
	struct verified_folder total;
	const struct opener *opener;
	char *percent;
	guint i;

	verified_total(verified, &total);
	percent = report_percent(total.sealed,
	    total.sealed + total.readable + total.damaged + total.uncertain);
	g_string_append(html, "<tr><td>");
	text(html, verified->address[0] == '\0' ? "owner not known"
						: verified->address);
	g_string_append(html, "<br><code class=\"dim\">");
	text(html, verified->path);
	g_string_append(html, "</code></td>");
	cell(html, total.sealed, "");
	cell(html, total.readable, "bad");
	cell(html, total.damaged + total.uncertain, "warn");
	g_string_append_printf(html, "<td class=\"n\">%s</td><td>", percent);
	for (i = 0; i < total.openers->len && i < 6; i++) {
		opener = g_ptr_array_index(total.openers, i);
		g_string_append_printf(html, "%s<code>", i == 0 ? "" : "<br>");
		text(html, opener->fingerprint[0] != '\0' ? opener->fingerprint
							  : opener->id);
		g_string_append(html, "</code> <span class=\"dim\">");
		text(html, opener->addresses[0] != '\0' ? opener->addresses
							: "not known here");
		g_string_append(html, ": ");
		number(html, opener->messages);
		g_string_append(html, "</span>");
	}
	if (total.openers->len > 6)
		g_string_append_printf(
		    html, "<br>and %u more", total.openers->len - 6);
	g_string_append(html, "</td></tr>\n");
	g_ptr_array_unref(total.openers);
	g_free(percent);
}

static void
mailboxes(GString *html, const struct report *report)
{
	guint i;

	g_string_append(html,
	    "<h2>Mailboxes</h2>\n<div "
	    "class=\"wide\"><table><thead><tr><th>Mailbox</th>"
	    "<th class=\"n\">Sealed</th><th class=\"n\">Readable</th>"
	    "<th class=\"n\">Other</th><th class=\"n\">Coverage</th>"
	    "<th>Who can open it: messages</th></tr></thead><tbody>\n");
	for (i = 0; i < report->mailboxes->len; i++)
		mailbox_row(html, g_ptr_array_index(report->mailboxes, i));
	g_string_append(html, "</tbody></table></div>\n");
}

GString *
report_html(const struct report *report)
{
	GString *html = g_string_new(
	    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta"
	    " charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\""
	    " content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width,"
	    " initial-scale=1\">\n<meta name=\"color-scheme\""
	    " content=\"light dark\">\n<title>Stored mail</title>\n<style>\n");

	g_string_append(html, style);
	g_string_append(html, "</style></head><body><main>\n");
	page_top(html, report);
	chart_of_domains(html, report);
	chart_of_time(html, report);
	findings(html, report);
	mailboxes(html, report);
	g_string_append(html,
	    "<footer>A message counts as sealed only if its OpenPGP packets or"
	    " its CMS were parsed to the end and nothing but ciphertext was"
	    " found; what it says of itself does not count. Sender,"
	    " recipients, date and size of sealed mail stay visible. Made by"
	    " sealctl mailbox verify " PACKAGE_VERSION ".</footer>\n"
	    "</main></body></html>\n");
	return html;
}
