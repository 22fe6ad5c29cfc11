/* What the files of the addon share: values of JavaScript, made and read with every argument guarded. */
#ifndef FIELDGATE_ADDON_H
#define FIELDGATE_ADDON_H

#define NAPI_VERSION 8
#include <node_api.h>

#include "dtls.h"

/** `status`, shared with JavaScript so that it learns them without another call. */
enum {
  word_status,
  word_state,
  word_pending,
  word_alert,
  word_alert_origin,
  word_dropped,
  word_overhead,
  /** Octets that receive or send put into its last argument; -1 when it put none. */
  word_written,
  word_count
};

/** What one environment (a thread, a context) has of us. */
typedef struct {
  int32_t *status;
  napi_ref status_ref;
} instance;

/** Every pointer that JavaScript holds begins with its kind, and is looked at before it is used. */
typedef enum { kind_context = 0x46474358, kind_session = 0x46475353, kind_listener = 0x46474c53 } kind;

typedef struct {
  kind kind;
  void *thing;
} box;

/** One call from JavaScript, and whom the engine may ask during it. */
typedef struct {
  napi_env env;
  napi_value owner;
  /** Room of JavaScript's for the first plaintext: making an ArrayBuffer costs more than opening a record. */
  uint8_t *room;
  size_t room_size;
  int32_t written;
  /** An array of the plaintexts that found no room. */
  napi_value others;
  uint32_t other_count;
} asking;

#define REQUIRE(condition, message)               \
  do {                                            \
    if (!(condition)) {                           \
      napi_throw_type_error(env, NULL, message);  \
      return NULL;                                \
    }                                             \
  } while (0)

/** The thing in a box of that kind; NULL for anything else. */
void *unbox(napi_env env, napi_value value, kind expected);
/** Gives `thing` to JavaScript, which frees it when it forgets it. NULL, and freed, when it cannot be given. */
napi_value to_box(napi_env env, kind its_kind, void *thing);
/** Octets of a Uint8Array, borrowed while no JavaScript runs. */
bool get_octets(napi_env env, napi_value value, const uint8_t **octets, size_t *length);
napi_value to_octets(napi_env env, const uint8_t *octets, size_t length);
/** Text without a NUL in it, at most `size - 1` octets. */
bool get_text(napi_env env, napi_value value, char *into, size_t size);
bool text_or_undefined(napi_env env, const char *text, napi_value *value);
bool get_uint32(napi_env env, napi_value value, uint32_t *number, uint32_t least, uint32_t most);
bool is_nothing(napi_env env, napi_value value);
/** Both in range, or false; then `size_and_time` says what the range is. */
bool get_size_and_time(napi_env env, napi_value mtu, napi_value timeout, dtls_session_settings *settings);
extern const char *const size_and_time;
/** An array of all that `take` gives. */
napi_value take_all(napi_env env, const uint8_t *(*take)(void *, size_t *), void *from);
/** Arguments, missing ones undefined. */
bool get_arguments(napi_env env, napi_callback_info info, size_t wanted, napi_value *arguments);
/** Leaves the words of a call in `status`; `session` may be NULL. */
void report(napi_env env, dtls_status status, const dtls_session *session, int32_t written);

/** addon-ask.c: whom the engine asks. `owner` is an object of JavaScript whose functions do not throw; should one, it counts as no. */
asking asking_of(napi_env env, napi_value owner);
dtls_calls calls_of(asking *call);

/** addon-session.c, addon-listener.c and addon-process.c: what JavaScript may call, NULL at the end. */
typedef struct {
  const char *name;
  napi_callback function;
} addon_function;
extern const addon_function session_functions[];
extern const addon_function listener_functions[];
extern const addon_function process_functions[];

#endif
