/* SPDX-License-Identifier: MIT */
/*
 * Events of the kernel, for people and for programs.
 */
#ifndef RCPT_EVENT_H
#define RCPT_EVENT_H

#include <jansson.h>

#include "netlink.h"

json_t *rcpt_event_json(struct nlattr **tb);
char *rcpt_event_text(const json_t *event);
char *rcpt_hex(const uint8_t *data, size_t len, char *out);
json_t *rcpt_json_text(const char *text);
json_t *rcpt_json_digest(uint8_t kind, const uint8_t *data, size_t len);

#endif /* RCPT_EVENT_H */
