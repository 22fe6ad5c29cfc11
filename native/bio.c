/* A BIO with datagrams in it: OpenSSL's own memory BIO forgets where one ends. */
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "engine.h"

/** Ours: a flight is some 600 octets; what does not fit is lost as on a full socket. */
static const size_t queue_limit = 256 * 1024;

bool queue_put(datagram_queue *queue, const uint8_t *octets, size_t length) {
  size_t needed = queue->used + 2 + length;
  if (length > 0xffff || needed > queue_limit) return false;
  if (needed > queue->capacity) {
    size_t capacity = needed < 2048 ? 2048 : needed * 2;
    uint8_t *larger = OPENSSL_realloc(queue->octets, capacity);
    if (larger == NULL) return false;
    queue->octets = larger;
    queue->capacity = capacity;
  }
  uint8_t *at = queue->octets + queue->used;
  at[0] = (uint8_t)(length >> 8);
  at[1] = (uint8_t)length;
  memcpy(at + 2, octets, length);
  queue->newest = queue->used;
  queue->used = needed;
  queue->count++;
  return true;
}

const uint8_t *queue_take(datagram_queue *queue, size_t *length) {
  if (queue->count == 0) return NULL;
  const uint8_t *at = queue->octets + queue->head;
  *length = (size_t)at[0] << 8 | at[1];
  queue->head += 2 + *length;
  // The octets stay where they are until the next put.
  if (--queue->count == 0) queue->head = queue->used = 0;
  return at + 2;
}

const uint8_t *queue_take_newest(datagram_queue *queue, size_t *length) {
  if (queue->count == 0) return NULL;
  const uint8_t *at = queue->octets + queue->newest;
  *length = (size_t)at[0] << 8 | at[1];
  queue->used = queue->newest;
  queue->count--;
  return at + 2;
}

void queue_free(datagram_queue *queue) {
  OPENSSL_free(queue->octets);
  memset(queue, 0, sizeof *queue);
}

static int read_datagram(BIO *bio, char *into, int size) {
  dtls_session *session = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (session->in == NULL || size <= 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  // As recvfrom does: what does not fit is gone.
  size_t length = session->in_length < (size_t)size ? session->in_length : (size_t)size;
  memcpy(into, session->in, length);
  session->in = NULL;
  return (int)length;
}

static int write_datagram(BIO *bio, const char *from, int length) {
  dtls_session *session = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (length > 0) queue_put(&session->out, (const uint8_t *)from, (size_t)length);
  return length;
}

static long control(BIO *bio, int command, long number, void *pointer) {
  (void)number;
  (void)pointer;
  dtls_session *session = BIO_get_data(bio);
  switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
      return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
      return (long)session->mtu;
    default:
      return 0;
  }
}

static int create(BIO *bio) {
  BIO_set_init(bio, 1);
  return 1;
}

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static void make_method(void) {
  method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams in memory");
  if (method == NULL) return;
  BIO_meth_set_read(method, read_datagram);
  BIO_meth_set_write(method, write_datagram);
  BIO_meth_set_ctrl(method, control);
  BIO_meth_set_create(method, create);
}

BIO *datagram_bio_new(dtls_session *session) {
  pthread_once(&method_once, make_method);
  BIO *bio = method == NULL ? NULL : BIO_new(method);
  if (bio != NULL) BIO_set_data(bio, session);
  return bio;
}
