/* SPDX-License-Identifier: MIT
 *
 * http_computer: a computer port out of a URL, speaking the CU's HTTP (ao-units 5).
 * Asking for a result is idempotent, so it is retried: 10 tries from 1 s, doubling
 * to at most 30 s, on no reply, 5xx, 425, 429 and 202 (ao-units 4.4); other answers are final.
 */
#ifndef WEFT_FLOW_HTTP_COMPUTER_H
#define WEFT_FLOW_HTTP_COMPUTER_H

#include "flow/flow.h"

struct http_client;

struct computer http_computer_new(struct http_client *client, struct bytes url);
void http_computer_free(struct computer c);

#endif
