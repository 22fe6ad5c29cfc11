/* What the programs of the bench share: options, time, keys, and a loop that ends with standard input. */
#ifndef BENCH_H
#define BENCH_H

#include <coap3/coap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Value of `--name value`, or `fallback`. The text belongs to argv. */
const char *option(int argc, char **argv, const char *name, const char *fallback);

/** Value of `--name value` as a number, or `fallback`. */
long option_number(int argc, char **argv, const char *name, long fallback);

/** Whether `--name` stands alone among the arguments. */
bool option_given(int argc, char **argv, const char *name);

/** Ends the program with status 2 and this sentence on standard error. */
void fail(const char *sentence);

/** Microseconds since an arbitrary start; never goes back. */
uint64_t now_us(void);

/** 127.0.0.1 with this port. */
coap_address_t loopback(long port);

/** A context of libcoap, quiet, with no limit on handshakes under way. */
coap_context_t *new_context(void);

/** Serves CoAP on 127.0.0.1; with a `--key` (hex octets) DTLS with any PSK identity and `--hint`. Returns the port. */
long listen_on(coap_context_t *context, int argc, char **argv);

/** A session to 127.0.0.1:port; with a key (hex octets) DTLS with this identity. */
coap_session_t *connect_to(coap_context_t *context, long port, const char *identity, const char *key_hex);

/** OpenSSL's name of the suite that this session agreed on, or "none". */
const char *suite_of(const coap_session_t *session);

/**
 * Serves until standard input ends, so that no program of the bench outlives its starter.
 * Calls `on_line` for every line read; it may be NULL.
 */
void serve(coap_context_t *context, void (*on_line)(void));

#endif
