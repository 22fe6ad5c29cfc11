/* What the files of the engine share; nobody else includes it. */
#ifndef FIELDGATE_ENGINE_H
#define FIELDGATE_ENGINE_H

#include <openssl/ssl.h>

#include "dtls.h"

/** Datagrams waiting to be sent, oldest first, one behind the other in one block. */
typedef struct {
  uint8_t *octets;
  size_t used;
  size_t capacity;
  /** Where the oldest begins: its two octets of length, then itself. */
  size_t head;
  size_t newest;
  size_t count;
} datagram_queue;

struct dtls_context {
  SSL_CTX *ssl_ctx;
  unsigned references;
  bool is_server;
  uint32_t resumption_seconds;
  char identity_hint[DTLS_IDENTITY_MAX + 1];
};

struct dtls_session {
  dtls_context *context;
  /** Gone once the session is closed. */
  SSL *ssl;
  datagram_queue out;
  /** The datagram being received: borrowed, NULL once read. */
  const uint8_t *in;
  size_t in_length;
  dtls_state state;
  /** A function of the engine is running, and may be asking its caller for a key. */
  bool busy;
  const dtls_calls *calls;
  size_t mtu;
  uint32_t initial_timeout_ms;
  /** How far the caller's deadlines are ahead of the monotonic clock. */
  int64_t skew_us;
  uint64_t delivered;
  uint64_t dropped;
  size_t largest_plaintext;
  int alert;
  dtls_origin alert_origin;
  char reason[128];
  bool has_facts;
  dtls_facts facts;
  /** Server: the listener's secret, while listening, and the peer that the cookie is for. */
  const uint8_t *cookie_secret;
  const uint8_t *peer;
  size_t peer_length;
  /** Server: SNI of the ClientHello, before OpenSSL has read it. */
  char offered_name[DTLS_SERVER_NAME_MAX + 1];
};

/** bio.c: a BIO that reads `in` and writes `out`. */
BIO *datagram_bio_new(dtls_session *session);
bool queue_put(datagram_queue *queue, const uint8_t *octets, size_t length);
const uint8_t *queue_take(datagram_queue *queue, size_t *length);
/** The one put last; once for each put. */
const uint8_t *queue_take_newest(datagram_queue *queue, size_t *length);
void queue_free(datagram_queue *queue);

/** time.c: what OpenSSL takes for the time on this thread, from here on. */
void time_skew(int64_t skew_us);

/** cookie.c */
int cookie_generate(SSL *ssl, unsigned char *cookie, unsigned int *length);
int cookie_verify(SSL *ssl, const unsigned char *cookie, unsigned int length);

/** context.c: names of the suites. */
const char *suite_name(uint16_t code);

/** dtls.c */
dtls_session *session_new(dtls_context *context, const dtls_session_settings *settings);
void session_enter(dtls_session *session, const dtls_calls *calls);
dtls_status session_advance(dtls_session *session);
dtls_status session_leave(dtls_session *session, dtls_status status);

#endif
