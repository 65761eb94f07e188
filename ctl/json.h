/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_JSON_H
#define CTL_JSON_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What --json prints (RFC 8259).  Members are added to a text that begins
 * with "{"; the commas between them come by themselves.
 */

/* A string literal with its quotes, a new string; octets that are no UTF-8
 * become U+FFFD. */
char *json_string(const char *text);

void json_text(GString *json, const char *name, const char *text /* or NULL */);
void json_bool(GString *json, const char *name, bool value);
void json_number(GString *json, const char *name, uint64_t value);

/* Seconds since 1970 as "2024-03-01T12:00:00Z"; or null for 0. */
void json_time(GString *json, const char *name, int64_t when);

/* An array of strings, NULL-terminated. */
void json_strings(GString *json, const char *name, const char *const *strings);

/* Any other value: the caller appends it. */
void json_name(GString *json, const char *name);

/* Opens an object ("{") or an array ("["), which the caller closes; the comma
 * behind the element of an array before it comes by itself, too. */
void json_open(GString *json, char bracket);

/* A string in an array. */
void json_element(GString *json, const char *text);

/* The same time for people, a new string. */
char *time_text(int64_t when);

#endif
