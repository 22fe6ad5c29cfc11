/* One association: its life from the first flight to close_notify. */
#include "dtls.h"

#include <string.h>
#include <sys/time.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "engine.h"

/** RFC 6347 section 4.2.4.1: the retransmission timer doubles up to 60 s. */
static const unsigned int longest_timeout_us = 60 * 1000 * 1000;

static unsigned int next_timeout_us(SSL *ssl, unsigned int timeout_us) {
  const dtls_session *session = SSL_get_app_data(ssl);
  if (timeout_us == 0) return session->initial_timeout_ms * 1000;
  return timeout_us > longest_timeout_us / 2 ? longest_timeout_us : timeout_us * 2;
}

dtls_session *session_new(dtls_context *context, const dtls_session_settings *settings) {
  ERR_clear_error();
  dtls_session *session = OPENSSL_zalloc(sizeof *session);
  if (session == NULL) return NULL;
  context->references++;
  session->context = context;
  session->mtu = settings->mtu;
  session->initial_timeout_ms = settings->initial_timeout_ms;
  session->ssl = SSL_new(context->ssl_ctx);
  BIO *bio = session->ssl == NULL ? NULL : datagram_bio_new(session);
  if (bio == NULL) {
    dtls_session_free(session);
    return NULL;
  }
  SSL_set_bio(session->ssl, bio, bio);
  SSL_set_app_data(session->ssl, session);
  DTLS_set_timer_cb(session->ssl, next_timeout_us);
  if (!SSL_set_mtu(session->ssl, (long)settings->mtu)) {
    dtls_session_free(session);
    return NULL;
  }
  return session;
}

/** Offers an earlier session, unless it is none, or of a suite that is not offered any more. */
static void offer_resumption(SSL *ssl, const uint8_t *octets, size_t length) {
  const unsigned char *at = octets;
  SSL_SESSION *earlier = d2i_SSL_SESSION(NULL, &at, (long)length);
  if (earlier != NULL && sk_SSL_CIPHER_find(SSL_get_ciphers(ssl), (SSL_CIPHER *)SSL_SESSION_get0_cipher(earlier)) >= 0)
    SSL_set_session(ssl, earlier);
  SSL_SESSION_free(earlier);
  ERR_clear_error();
}

dtls_session *dtls_client_new(dtls_context *context, const dtls_session_settings *settings) {
  dtls_session *session = session_new(context, settings);
  if (session == NULL) return NULL;
  SSL_set_connect_state(session->ssl);
  if (settings->server_name != NULL && SSL_set_tlsext_host_name(session->ssl, settings->server_name) != 1) {
    dtls_session_free(session);
    return NULL;
  }
  if (settings->resume != NULL) offer_resumption(session->ssl, settings->resume, settings->resume_length);
  return session;
}

void dtls_session_free(dtls_session *session) {
  if (session == NULL) return;
  SSL_free(session->ssl);
  queue_free(&session->out);
  dtls_context_free(session->context);
  OPENSSL_free(session);
}

void session_enter(dtls_session *session, const dtls_calls *calls) {
  ERR_clear_error();
  time_skew(session->skew_us);
  session->busy = true;
  session->calls = calls;
}

dtls_status session_leave(dtls_session *session, dtls_status status) {
  session->busy = false;
  session->calls = NULL;
  session->in = NULL;
  if (session->state == DTLS_STATE_CLOSED) {
    SSL_free(session->ssl);
    session->ssl = NULL;
  }
  return status;
}

/** What a failure means. Before ServerHello, handshake_failure can only be about the suites. RFC 5246 section 7.2.2 */
static dtls_status meaning(const dtls_session *session) {
  bool handshaking = session->state == DTLS_STATE_HANDSHAKING;
  switch (ERR_GET_REASON(ERR_peek_error())) {
    case SSL_R_NO_SHARED_CIPHER: return DTLS_NO_COMMON_SUITE;
    case SSL_R_PSK_IDENTITY_NOT_FOUND: return DTLS_PSK_REFUSED;
    case SSL_R_READ_TIMEOUT_EXPIRED: return DTLS_TIMEOUT;
    case ERR_R_MALLOC_FAILURE: return DTLS_NO_MEMORY;
    default: break;
  }
  if (session->alert_origin == DTLS_FROM_NOBODY) return DTLS_PROTOCOL;
  if (session->alert == SSL_AD_UNKNOWN_PSK_IDENTITY) return DTLS_PSK_REFUSED;
  bool keys_differ = session->alert == SSL_AD_DECRYPT_ERROR || session->alert == SSL_AD_BAD_RECORD_MAC;
  if (handshaking && keys_differ) return DTLS_PSK_REFUSED;
  if (session->alert_origin == DTLS_FROM_US) return DTLS_PROTOCOL;
  bool about_suites = session->alert == SSL_AD_HANDSHAKE_FAILURE || session->alert == SSL_AD_INSUFFICIENT_SECURITY;
  if (handshaking && about_suites && SSL_get_pending_cipher(session->ssl) == NULL) return DTLS_NO_COMMON_SUITE;
  return DTLS_ALERT;
}

static void note(char *into, size_t size, const char *text, bool *present) {
  if (present != NULL) *present = text != NULL && *text != 0;
  size_t length = text == NULL ? 0 : strnlen(text, size - 1);
  if (length > 0) memcpy(into, text, length);
  into[length] = 0;
}

static dtls_status fail(dtls_session *session) {
  dtls_status status = meaning(session);
  unsigned long error = ERR_peek_error();
  const char *words = error == 0 ? NULL : ERR_reason_error_string(error);
  note(session->reason, sizeof session->reason, words, NULL);
  session->state = DTLS_STATE_CLOSED;
  return status;
}

/** After a function of OpenSSL that gave no result: waiting, an orderly end, or a failure. */
static dtls_status outcome(dtls_session *session, int result) {
  switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return DTLS_OK;
    case SSL_ERROR_ZERO_RETURN:
      if (session->state == DTLS_STATE_HANDSHAKING) return fail(session);
      // RFC 5246 section 7.2.1: close_notify is answered with close_notify.
      SSL_shutdown(session->ssl);
      session->state = DTLS_STATE_CLOSED;
      return DTLS_OK;
    default: return fail(session);
  }
}

static void become_open(dtls_session *session) {
  SSL *ssl = session->ssl;
  dtls_facts *facts = &session->facts;
  facts->suite = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl));
  facts->resumed = SSL_session_reused(ssl);
  facts->extended_master_secret = SSL_get_extms_support(ssl) == 1;
  note(facts->identity, sizeof facts->identity, SSL_get_psk_identity(ssl), NULL);
  note(facts->hint, sizeof facts->hint,
       session->context->is_server ? session->context->identity_hint : SSL_get_psk_identity_hint(ssl), &facts->has_hint);
  note(facts->server_name, sizeof facts->server_name, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name),
       &facts->has_server_name);
  session->has_facts = true;
  session->largest_plaintext = DTLS_get_data_mtu(ssl);
  session->state = DTLS_STATE_OPEN;
  // What was said on the way (a warning) did not end it.
  session->alert_origin = DTLS_FROM_NOBODY;
}

dtls_status session_advance(dtls_session *session) {
  if (session->state == DTLS_STATE_HANDSHAKING) {
    int result = SSL_do_handshake(session->ssl);
    if (result != 1) return outcome(session, result);
    become_open(session);
  }
  uint8_t record[SSL3_RT_MAX_PLAIN_LENGTH];
  for (;;) {
    int length = SSL_read(session->ssl, record, sizeof record);
    if (length <= 0) return outcome(session, length);
    session->delivered++;
    session->calls->plaintext(session->calls->user, record, (size_t)length);
  }
}

dtls_status dtls_start(dtls_session *session, const dtls_calls *calls) {
  if (session->busy) return DTLS_BUSY;
  if (session->state == DTLS_STATE_CLOSED) return DTLS_CLOSED;
  session_enter(session, calls);
  return session_leave(session, session_advance(session));
}

/** How many application records a datagram claims to hold. RFC 6347 section 4.1: type, version, epoch, sequence, length. */
static size_t application_records(const uint8_t *datagram, size_t length) {
  size_t count = 0;
  for (size_t at = 0; at + DTLS1_RT_HEADER_LENGTH <= length;) {
    if (datagram[at] == SSL3_RT_APPLICATION_DATA) count++;
    at += DTLS1_RT_HEADER_LENGTH + ((size_t)datagram[at + 11] << 8 | datagram[at + 12]);
  }
  return count;
}

dtls_status dtls_receive(dtls_session *session, const uint8_t *datagram, size_t length, const dtls_calls *calls) {
  if (session->busy) return DTLS_BUSY;
  if (session->state == DTLS_STATE_CLOSED || length == 0) return DTLS_OK;
  bool was_open = session->state == DTLS_STATE_OPEN;
  size_t sent = session->out.count;
  uint64_t delivered = session->delivered;
  session_enter(session, calls);
  session->in = datagram;
  session->in_length = length;
  dtls_status status = session_advance(session);
  if (was_open && session->state == DTLS_STATE_OPEN) {
    uint64_t claimed = application_records(datagram, length);
    delivered = session->delivered - delivered;
    if (delivered < claimed) session->dropped += claimed - delivered;
    else if (delivered == 0 && session->out.count == sent) session->dropped++;
  }
  return session_leave(session, status);
}

dtls_status dtls_send(dtls_session *session, const uint8_t *plaintext, size_t length, const uint8_t **datagram,
                      size_t *datagram_length) {
  *datagram = NULL;
  if (session->busy) return DTLS_BUSY;
  if (session->state != DTLS_STATE_OPEN) return DTLS_CLOSED;
  if (length == 0 || length > session->largest_plaintext) return DTLS_TOO_LARGE;
  size_t waiting = session->out.count;
  session_enter(session, NULL);
  int result = SSL_write(session->ssl, plaintext, (int)length);
  if (result <= 0) return session_leave(session, fail(session));
  if (session->out.count > waiting) *datagram = queue_take_newest(&session->out, datagram_length);
  return session_leave(session, *datagram == NULL ? DTLS_NO_MEMORY : DTLS_OK);
}

int64_t dtls_deadline_ms(dtls_session *session) {
  struct timeval left;
  if (session->ssl == NULL || session->state != DTLS_STATE_HANDSHAKING) return -1;
  time_skew(session->skew_us);
  if (!DTLSv1_get_timeout(session->ssl, &left)) return -1;
  return (int64_t)left.tv_sec * 1000 + (left.tv_usec + 999) / 1000;
}

dtls_status dtls_handle_timeout(dtls_session *session, const dtls_calls *calls) {
  struct timeval left;
  if (session->busy) return DTLS_BUSY;
  if (session->state != DTLS_STATE_HANDSHAKING) return DTLS_OK;
  session_enter(session, calls);
  if (DTLSv1_get_timeout(session->ssl, &left)) {
    session->skew_us += (int64_t)left.tv_sec * 1000000 + left.tv_usec;
    time_skew(session->skew_us);
    if (DTLSv1_handle_timeout(session->ssl) < 0) return session_leave(session, fail(session));
  }
  return session_leave(session, DTLS_OK);
}

dtls_status dtls_close(dtls_session *session) {
  if (session->busy) return DTLS_BUSY;
  if (session->state == DTLS_STATE_CLOSED) return DTLS_OK;
  session_enter(session, NULL);
  if (session->state == DTLS_STATE_OPEN) SSL_shutdown(session->ssl);
  session->state = DTLS_STATE_CLOSED;
  return session_leave(session, DTLS_OK);
}

size_t dtls_pending(const dtls_session *session) { return session->out.count; }

const uint8_t *dtls_take(dtls_session *session, size_t *length) { return queue_take(&session->out, length); }

dtls_state dtls_session_state(const dtls_session *session) { return session->state; }

const dtls_facts *dtls_session_facts(const dtls_session *session) { return session->has_facts ? &session->facts : NULL; }

int dtls_last_alert(const dtls_session *session, dtls_origin *origin) {
  *origin = session->alert_origin;
  return session->alert;
}

const char *dtls_reason(const dtls_session *session) { return session->reason; }

size_t dtls_overhead(const dtls_session *session) {
  return session->largest_plaintext == 0 ? 0 : session->mtu - session->largest_plaintext;
}

uint64_t dtls_dropped(const dtls_session *session) { return session->dropped; }

size_t dtls_export(dtls_session *session, uint8_t **octets) {
  if (session->ssl == NULL || session->busy || session->state != DTLS_STATE_OPEN) return 0;
  // A resumed session without it could be spliced by a man in the middle. RFC 7627 section 5.3
  if (!session->facts.extended_master_secret) return 0;
  SSL_SESSION *current = SSL_get_session(session->ssl);
  if (current == NULL || !SSL_SESSION_is_resumable(current)) return 0;
  *octets = NULL;
  int length = i2d_SSL_SESSION(current, octets);
  return length > 0 ? (size_t)length : 0;
}

void dtls_wipe_free(uint8_t *octets, size_t length) { OPENSSL_clear_free(octets, length); }
