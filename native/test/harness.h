/* Two ends in memory, and what a test says when it fails. */
#ifndef FIELDGATE_TEST_HARNESS_H
#define FIELDGATE_TEST_HARNESS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../dtls.h"
#include "../engine.h"

#define CHECK(condition)                                                               \
  do {                                                                                 \
    if (!(condition)) {                                                                \
      fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);    \
      exit(1);                                                                         \
    }                                                                                  \
  } while (0)

/** One end: what it is asked and what it heard. */
typedef struct {
  dtls_session *session;
  dtls_calls calls;
  const char *identity;
  uint8_t key[32];
  bool refuses_key;
  bool refuses_resumption;
  int64_t expires_at_ms;
  unsigned asked_for_key;
  uint16_t asked_suite;
  char hint[64];
  unsigned heard;
  uint8_t last[2048];
  size_t last_length;
} end;

typedef struct {
  end client;
  end server;
  dtls_context *client_context;
  dtls_context *server_context;
  dtls_listener *listener;
  dtls_status client_status;
  dtls_status server_status;
  /** Loses or changes a datagram; false loses it. NULL for a good way. */
  bool (*fault)(uint8_t *datagram, size_t *length, void *user);
  void *fault_user;
} wire;

/** `suite` 0 offers all of them. */
wire *wire_new(uint16_t suite, uint32_t resumption_seconds);
void wire_free(wire *it);
/** A fresh client on the same listener; `resume` may be NULL. */
void wire_client(wire *it, const uint8_t *resume, size_t resume_length);
/** Carries datagrams until nobody has any. */
void wire_settle(wire *it);
/** Client and handshake in one. */
void wire_shake(wire *it, const uint8_t *resume, size_t resume_length);
/** Sends text from one end to the other and tells whether it came. */
bool wire_says(end *from, end *to, const char *text);

#endif
