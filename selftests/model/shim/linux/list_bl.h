/* SPDX-License-Identifier: MIT */
#ifndef MODEL_LIST_BL_H
#define MODEL_LIST_BL_H

struct hlist_bl_node {
	struct hlist_bl_node *next, **pprev;
};

#endif
