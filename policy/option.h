/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICY_OPTION_H
#define POLICY_OPTION_H

#include "policy/fault.h"

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Options of a libconfig file, read strictly.  What fails fills a PERM fault
 * that begins with file, line and option, as option_fault() does.  An
 * option_parse fills a part of its target.
 */
typedef int option_parse(
    const config_setting_t *setting, void *target, struct fault *fault);

struct option_reader {
	const char *name;
	option_parse *parse; /* 0, or -1 with fault */
};

/*
 * Reads a file into *parsed, which config_init() has made.  0, or -1 with a
 * PERM fault that names the file, and the line if it could be read.
 */
int option_read_file(const char *file, config_t *parsed, struct fault *fault);

/*
 * Gives each member of the group to the reader of its name; a name that no
 * reader has is a fault that suggests the nearest one.
 */
int option_parse_group(const config_setting_t *group,
    const struct option_reader *readers, size_t count, void *target,
    struct fault *fault);

/* "FILE:LINE: OPTION: text"; OPTION is such as `rule "name": to`. */
void option_fault(struct fault *fault, const config_setting_t *setting,
    const char *format, ...) G_GNUC_PRINTF(3, 4);

/* "FILE:LINE: OPTION", a new string. */
char *option_place(const config_setting_t *setting);

/* A string that is not empty; it lives as long as the setting. */
int option_string(
    const config_setting_t *setting, const char **textp, struct fault *fault);
int option_bool(
    const config_setting_t *setting, bool *valuep, struct fault *fault);

/* A whole number from min to max. */
int option_number(const config_setting_t *setting, unsigned int min,
    unsigned int max, unsigned int *valuep, struct fault *fault);

/* Octets: a number, or text such as "200M". */
int option_octets(
    const config_setting_t *setting, uint64_t *valuep, struct fault *fault);

/* One of the words (NULL-terminated); *indexp is which. */
int option_word(const config_setting_t *setting, const char *const *words,
    size_t *indexp, struct fault *fault);

/*
 * Calls parse for the string, or for each string of a list or array, which
 * must not be empty.
 */
int option_each_string(const config_setting_t *setting, option_parse *parse,
    void *target, struct fault *fault);

/* "10M": digits and k, M or G (powers of 1024).  0, or -1. */
int octets_parse(const char *text, uint64_t *octetsp);

#endif
