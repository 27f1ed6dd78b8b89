// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the right to ANON_EXEC rests on, kept with the inode of the program.
 *
 * mprotect() asks under mmap_lock, where nothing can be hashed and nobody asked. So
 * the right is settled when the program is executed (program.c), and the proven
 * statements that gave it stay here for as long as the content does: a policy that
 * comes later judges them anew, and it does not matter what was flushed or had to
 * make room in the cache meanwhile.
 *
 * Guarded by the lock of the state that they belong to.
 */
#include <linux/slab.h>

#include "private.h"

/**
 * struct receipt_rights - evidence that a program was allowed ANON_EXEC by
 * @digests: of its content
 * @known: of each of @digests, with references
 */
struct receipt_rights {
	struct receipt_digests digests;
	struct receipt_known known[RECEIPT_MEASURED_MAX];
};

/**
 * receipt_rights_free - drop evidence
 * @rights: which no state has any more, or NULL
 *
 * Context: Any.
 */
void receipt_rights_free(struct receipt_rights *rights)
{
	u8 d;

	for (d = 0; rights && d < rights->digests.n; d++)
		receipt_known_put(&rights->known[d]);
	kfree(rights);
}

static struct receipt_rights *new_rights(const struct receipt_digests *digests,
					 const struct receipt_known *known)
{
	struct receipt_rights *rights;
	u8 d, n = 0;

	for (d = 0; d < digests->n; d++)
		n += known[d].n;
	rights = n ? kzalloc(sizeof(*rights), GFP_KERNEL_ACCOUNT) : NULL;
	if (!rights)
		return NULL;
	rights->digests = *digests;
	for (d = 0; d < digests->n; d++)
		receipt_known_get(&rights->known[d], &known[d]);

	return rights;
}

/**
 * receipt_rights_keep - keep the evidence by which a program was allowed
 * @state: of its inode
 * @change: as it was before the content was read
 * @digests: of the content
 * @known: of each of @digests
 *
 * Without memory nothing is kept: the cache has it still, for some time.
 *
 * Context: May sleep.
 */
void receipt_rights_keep(struct receipt_state *state, u64 change,
			 const struct receipt_digests *digests,
			 const struct receipt_known *known)
{
	struct receipt_rights *rights = new_rights(digests, known);

	if (!rights)
		return;
	spin_lock(&state->lock);
	if (state->change == change)
		swap(state->rights, rights);
	spin_unlock(&state->lock);
	receipt_rights_free(rights);
}

/**
 * receipt_rights_recall - add what was kept to what is known
 * @state: of the inode of a program
 * @digests: of its content
 * @policy: that judges: says which statements are kept
 * @known: of each of @digests; gets what it lacks
 *
 * Context: Any; does not sleep.
 */
void receipt_rights_recall(struct receipt_state *state,
			   const struct receipt_digests *digests,
			   const struct receipt_policy *policy,
			   struct receipt_known *known)
{
	const struct receipt_rights *rights;
	u8 d, k;

	for (d = 0; d < digests->n; d++) {
		struct receipt_known kept = {};

		spin_lock(&state->lock);
		rights = state->rights;
		for (k = 0; rights && k < rights->digests.n; k++)
			if (receipt_digest_equal(&rights->digests.digest[k],
						 &digests->digest[d]))
				receipt_known_get(&kept, &rights->known[k]);
		spin_unlock(&state->lock);
		/* That there is no more was said of the past. */
		kept.generation = 0;
		kept.kept = false;
		receipt_known_move(&known[d], &kept, policy);
	}
}
