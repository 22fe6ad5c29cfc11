/*
 * DTLS 1.2 with pre-shared keys over OpenSSL 3, as a machine without surroundings: datagrams in; datagrams, plaintext
 * and the next deadline out. No socket, no timer, no JavaScript. One thread at a time may use a context and all that
 * was made from it.
 *
 * Pointers given in are borrowed for the call unless the line says otherwise. What a `_new` gives, its `_free` takes.
 */
#ifndef FIELDGATE_DTLS_H
#define FIELDGATE_DTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Ours: what a record may add to its plaintext, whatever the suite. CCM_8 adds 29, GCM 37. */
#define DTLS_HEADROOM 128
/** Octets of a PSK identity and of its hint that OpenSSL 3 takes. */
#define DTLS_IDENTITY_MAX 256
/** Octets of a pre-shared key that OpenSSL 3 takes. */
#define DTLS_KEY_MAX 512
#define DTLS_SERVER_NAME_MAX 255
#define DTLS_COOKIE_SECRET_LENGTH 32
/** Octets that name a peer in its cookie: an address and a port, in any form. */
#define DTLS_PEER_MAX 128
/** Smallest datagram size that OpenSSL fragments a handshake into. */
#define DTLS_MTU_MIN 256
#define DTLS_MTU_MAX 16384

/** `errorCodes` in status.ts has one name for each, in this order. */
typedef enum {
  DTLS_OK,
  DTLS_PSK_REFUSED,
  DTLS_NO_COMMON_SUITE,
  DTLS_ALERT,
  DTLS_PROTOCOL,
  DTLS_CLOSED,
  DTLS_TIMEOUT,
  DTLS_TOO_LARGE,
  DTLS_BUSY,
  DTLS_NO_MEMORY
} dtls_status;

typedef enum { DTLS_STATE_HANDSHAKING, DTLS_STATE_OPEN, DTLS_STATE_CLOSED } dtls_state;
typedef enum { DTLS_FROM_NOBODY, DTLS_FROM_PEER, DTLS_FROM_US } dtls_origin;

typedef struct dtls_context dtls_context;
typedef struct dtls_session dtls_session;
typedef struct dtls_listener dtls_listener;

/** The question for a key, asked once the suite is chosen, and its answer. Wiped after use. */
typedef struct {
  uint16_t suite;
  /** Client: what the server sent, or NULL. */
  const char *hint;
  /** Server: given. Client: to be filled in, with its final NUL. */
  char identity[DTLS_IDENTITY_MAX + 1];
  uint8_t key[DTLS_KEY_MAX];
  size_t key_length;
  /** Server, to be filled in: when the key ends, for may_resume and the facts; 0 for no end. Not looked at here. */
  int64_t expires_at_ms;
} dtls_psk;

/** Whom the engine asks and tells while one of its functions runs. `user` goes to each. */
typedef struct {
  /** Returns false to refuse. */
  bool (*psk)(void *user, dtls_psk *psk);
  /** Server: whether a session made for this identity may be resumed. NULL for always. */
  bool (*may_resume)(void *user, const char *identity, int64_t expires_at_ms);
  /** One application record; the octets live for the call. */
  void (*plaintext)(void *user, const uint8_t *octets, size_t length);
  void *user;
} dtls_calls;

typedef struct {
  bool is_server;
  /** IANA codes in order of preference. */
  const uint16_t *suites;
  size_t suite_count;
  /** Server: sent in ServerKeyExchange; NULL for none. */
  const char *identity_hint;
  /** Server: 0 refuses resumption. */
  uint32_t resumption_seconds;
} dtls_settings;

typedef struct {
  size_t mtu;
  /** Wait before the first retransmission of a flight; doubles up to 60 s. */
  uint32_t initial_timeout_ms;
  /** Client: SNI, or NULL. */
  const char *server_name;
  /** Client: what dtls_export gave, or NULL. What cannot be used is ignored: the handshake is then a full one. */
  const uint8_t *resume;
  size_t resume_length;
} dtls_session_settings;

typedef struct {
  uint16_t suite;
  bool resumed;
  bool extended_master_secret;
  bool has_hint;
  bool has_server_name;
  char identity[DTLS_IDENTITY_MAX + 1];
  char hint[DTLS_IDENTITY_MAX + 1];
  char server_name[DTLS_SERVER_NAME_MAX + 1];
  /** Server: as the PSK answer said, also when resumed; 0 for none. */
  int64_t expires_at_ms;
} dtls_facts;

const char *dtls_openssl_version(void);

/** NULL when a suite is not known or memory is short. Sessions keep their context alive: free it any time. */
dtls_context *dtls_context_new(const dtls_settings *settings);
void dtls_context_free(dtls_context *context);

dtls_session *dtls_client_new(dtls_context *context, const dtls_session_settings *settings);
void dtls_session_free(dtls_session *session);

/** Client: makes the first flight. */
dtls_status dtls_start(dtls_session *session, const dtls_calls *calls);
/** Takes one datagram in; plaintext comes through `calls`. What does not authenticate is dropped, counted and DTLS_OK. */
dtls_status dtls_receive(dtls_session *session, const uint8_t *datagram, size_t length, const dtls_calls *calls);
/**
 * Seals one application record, 1 to mtu octets with its overhead. `*datagram`, passing by what waits in dtls_take,
 * lives until the next call with this session; NULL on failure.
 */
dtls_status dtls_send(dtls_session *session, const uint8_t *plaintext, size_t length, const uint8_t **datagram,
                      size_t *datagram_length);
/** Milliseconds until dtls_handle_timeout is due, or -1 when no timer runs. */
int64_t dtls_deadline_ms(dtls_session *session);
/** The deadline has come, says the caller, and the flight is sent again. */
dtls_status dtls_handle_timeout(dtls_session *session, const dtls_calls *calls);
/** Queues close_notify when open, and closes. */
dtls_status dtls_close(dtls_session *session);

/** How many datagrams wait to be sent. */
size_t dtls_pending(const dtls_session *session);
/** The oldest of them, and its length; NULL when there is none. It lives until the next call with this session. */
const uint8_t *dtls_take(dtls_session *session, size_t *length);

dtls_state dtls_session_state(const dtls_session *session);
/** NULL while handshaking, and when it never got further. */
const dtls_facts *dtls_session_facts(const dtls_session *session);
/** The alert that ended the session, and whose it was. */
int dtls_last_alert(const dtls_session *session, dtls_origin *origin);
/** Words of OpenSSL about the last failure; lives as long as the session. */
const char *dtls_reason(const dtls_session *session);
/** Octets that a record adds to its plaintext; 0 before the suite is agreed on. */
size_t dtls_overhead(const dtls_session *session);
uint64_t dtls_dropped(const dtls_session *session);
/** The secret session for a later resumption: its length, 0 when it may not be resumed. `*octets` goes to dtls_wipe_free. */
size_t dtls_export(dtls_session *session, uint8_t **octets);
void dtls_wipe_free(uint8_t *octets, size_t length);

/** `cookie_secret` has DTLS_COOKIE_SECRET_LENGTH octets and is copied. */
dtls_listener *dtls_listener_new(dtls_context *context, const dtls_session_settings *settings,
                                 const uint8_t *cookie_secret);
void dtls_listener_free(dtls_listener *listener);
/**
 * A datagram from a peer without a session. Without a good cookie nothing is kept and the answer, if any, is in
 * dtls_listener_take; with one, `*born` is the new session, the caller's to free, with its own first flight.
 */
dtls_status dtls_listen(dtls_listener *listener, const uint8_t *datagram, size_t length, const uint8_t *peer,
                        size_t peer_length, const dtls_calls *calls, dtls_session **born);
const uint8_t *dtls_listener_take(dtls_listener *listener, size_t *length);

#endif
