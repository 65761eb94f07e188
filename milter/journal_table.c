/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * journal_table.c - numbers by ID, in little memory.
 *
 * In:    IDs, which are keyed hashes, or random: no more hashing is needed.
 * Out:   the number that was put for one.
 * Never: removes anything but what is too small, when it would have to grow.
 */
#include <config.h>

#include "milter/journal_private.h"

#include <string.h>

#define FIRST_SLOTS 64

static void rehash(struct journal_table *table);

/* The slot of that ID, or the empty one where it would go. */
static struct journal_slot *
slot_of(const struct journal_table *table, const struct journal_id *id)
{
	struct journal_slot *slot;
	uint64_t hash;
	size_t at;

	memcpy(&hash, id->octets, sizeof(hash));
	for (at = (size_t)hash & (table->size - 1);;
	     at = (at + 1) & (table->size - 1)) {
		slot = &table->slots[at];
		if (slot->value == 0 || memcmp(&slot->id, id, sizeof(*id)) == 0)
			return slot;
	}
}

struct journal_slot *
journal_table_find(
    const struct journal_table *table, const struct journal_id *id)
{
	struct journal_slot *slot;

	if (table->size == 0)
		return NULL;
	slot = slot_of(table, id);
	return slot->value == 0 ? NULL : slot;
}

void
journal_table_put(
    struct journal_table *table, const struct journal_id *id, uint64_t value)
{
	struct journal_slot *slot;

	if (4 * (table->used + 1) > 3 * table->size)
		rehash(table);
	slot = slot_of(table, id);
	if (slot->value == 0)
		table->used++;
	slot->id = *id;
	slot->value = value;
}

/* With room for as many again as are worth keeping. */
static void
rehash(struct journal_table *table)
{
	struct journal_table new = {NULL, FIRST_SLOTS, 0, table->least};
	const struct journal_slot *old;
	size_t i, kept = 0;

	for (i = 0; i < table->size; i++)
		if (table->slots[i].value != 0 &&
		    table->slots[i].value >= table->least)
			kept++;
	while (3 * new.size < 8 * (kept + 1))
		new.size *= 2;
	new.slots = g_new0(struct journal_slot, new.size);
	for (i = 0; i < table->size; i++) {
		old = &table->slots[i];
		if (old->value == 0 || old->value < table->least)
			continue;
		*slot_of(&new, &old->id) = *old;
		new.used++;
	}
	g_free(table->slots);
	*table = new;
}

void
journal_table_clear(struct journal_table *table)
{
	g_free(table->slots);
	*table = (struct journal_table){NULL, 0, 0, 0};
}
