/* The server's ear: DTLSv1_listen keeps nothing until a cookie came back. */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "engine.h"

struct dtls_listener {
  dtls_context *context;
  dtls_session_settings settings;
  uint8_t cookie_secret[DTLS_COOKIE_SECRET_LENGTH];
  /** The session that the next good ClientHello becomes. */
  dtls_session *ear;
  /** Answers taken out of an ear, since that may be gone before they are sent. */
  datagram_queue replies;
  BIO_ADDR *no_address;
};

dtls_listener *dtls_listener_new(dtls_context *context, const dtls_session_settings *settings,
                                 const uint8_t *cookie_secret) {
  dtls_listener *listener = OPENSSL_zalloc(sizeof *listener);
  if (listener == NULL) return NULL;
  context->references++;
  listener->context = context;
  listener->settings = (dtls_session_settings){.mtu = settings->mtu, .initial_timeout_ms = settings->initial_timeout_ms};
  memcpy(listener->cookie_secret, cookie_secret, DTLS_COOKIE_SECRET_LENGTH);
  listener->no_address = BIO_ADDR_new();
  if (listener->no_address != NULL) return listener;
  dtls_listener_free(listener);
  return NULL;
}

void dtls_listener_free(dtls_listener *listener) {
  if (listener == NULL) return;
  dtls_session_free(listener->ear);
  queue_free(&listener->replies);
  BIO_ADDR_free(listener->no_address);
  dtls_context_free(listener->context);
  OPENSSL_clear_free(listener, sizeof *listener);
}

dtls_status dtls_listen(dtls_listener *listener, const uint8_t *datagram, size_t length, const uint8_t *peer,
                        size_t peer_length, const dtls_calls *calls, dtls_session **born) {
  *born = NULL;
  if (listener->ear == NULL) listener->ear = session_new(listener->context, &listener->settings);
  dtls_session *ear = listener->ear;
  if (ear == NULL) return DTLS_NO_MEMORY;
  // A listener asks nobody for a key, but the new session's first flight may ask about a ticket.
  session_enter(ear, calls);
  ear->cookie_secret = listener->cookie_secret;
  ear->peer = peer;
  ear->peer_length = peer_length;
  ear->in = datagram;
  ear->in_length = length;
  int heard = DTLSv1_listen(ear->ssl, listener->no_address);
  dtls_status status = DTLS_OK;
  if (heard == 1) {
    // Not SSL_set_accept_state: it would drop the ClientHello that DTLSv1_listen has kept.
    listener->ear = NULL;
    status = session_advance(ear);
    *born = ear;
  } else {
    size_t reply_length;
    const uint8_t *reply;
    while ((reply = queue_take(&ear->out, &reply_length)) != NULL) queue_put(&listener->replies, reply, reply_length);
  }
  ear->cookie_secret = NULL;
  ear->peer = NULL;
  session_leave(ear, status);
  if (heard < 0) {
    listener->ear = NULL;
    dtls_session_free(ear);
  }
  return status;
}

const uint8_t *dtls_listener_take(dtls_listener *listener, size_t *length) {
  return queue_take(&listener->replies, length);
}
