// libcurl, loaded with dlopen when it is first needed: no header of it, no link flag, no package. What is
// declared here is a part of its interface that has been the same in all versions since 7.68 (2020), where
// curl_multi_poll came: names, the numbers of options, and the layout of CURLMsg. Its documentation:
// https://curl.se/libcurl/c/
//
// Functions whose arguments vary are called here, since Swift cannot. Numbers returned are CURLcode or
// CURLMcode, 0 where all went well.
#ifndef CVARVE_CURL_H
#define CVARVE_CURL_H

#include <stddef.h>
#include <stdint.h>

/// Options of an easy handle, by CURLOPT_ names.
enum {
  VARVE_CURL_NOPROGRESS = 43,
  VARVE_CURL_NOBODY = 44,
  VARVE_CURL_UPLOAD = 46,
  VARVE_CURL_FOLLOWLOCATION = 52,
  VARVE_CURL_FRESH_CONNECT = 74,
  VARVE_CURL_HTTP_VERSION = 84,
  VARVE_CURL_BUFFERSIZE = 98,
  VARVE_CURL_NOSIGNAL = 99,
  VARVE_CURL_CONNECTTIMEOUT_MS = 156,
  VARVE_CURL_HTTP_CONTENT_DECODING = 158,
  VARVE_CURL_PROTOCOLS = 181,
  VARVE_CURL_PATH_AS_IS = 234,
  VARVE_CURL_SUPPRESS_CONNECT_HEADERS = 265,
  VARVE_CURL_UPLOAD_BUFFERSIZE = 280,
  VARVE_CURL_HTTP09_ALLOWED = 285,
  VARVE_CURL_MAXAGE_CONN = 288,
  VARVE_CURL_MAXLIFETIME_CONN = 314,
  VARVE_CURL_QUICK_EXIT = 322,
  VARVE_CURL_WRITEDATA = 10001,
  VARVE_CURL_URL = 10002,
  VARVE_CURL_READDATA = 10009,
  VARVE_CURL_HTTPHEADER = 10023,
  VARVE_CURL_HEADERDATA = 10029,
  VARVE_CURL_CUSTOMREQUEST = 10036,
  VARVE_CURL_CAINFO = 10065,
  VARVE_CURL_SEEKDATA = 10168,
  VARVE_CURL_NOPROXY = 10177,
  VARVE_CURL_WRITEFUNCTION = 20011,
  VARVE_CURL_READFUNCTION = 20012,
  VARVE_CURL_HEADERFUNCTION = 20079,
  VARVE_CURL_SEEKFUNCTION = 20167,
  VARVE_CURL_INFILESIZE_LARGE = 30115,
};

/// CURLINFO_REQUEST_SIZE: bytes of request heads that were sent.
enum { VARVE_CURL_INFO_REQUEST_SIZE = 0x20000c };

/// What a reading callback returns to end the transfer: CURL_READFUNC_ABORT.
enum { VARVE_CURL_READ_ABORT = 0x10000000 };

/// Takes `size * count` bytes, or fills so many; returns how many.
typedef size_t (*varve_curl_data)(char *bytes, size_t size, size_t count, void *context);

/// Goes to `offset` of what is uploaded; `origin` is SEEK_SET. 0 when it could.
typedef int (*varve_curl_seek)(void *context, int64_t offset, int origin);

/// Loads libcurl and starts it, once. NULL when it is there, else what is wrong.
const char *varve_curl_load(void);

/// The number libcurl itself knows an option by, such as "URL"; -1 for none. For tests.
int varve_curl_option_number(const char *name);

/// What an error number means.
const char *varve_curl_error_text(int code);

// Below: only after `varve_curl_load` returned NULL.

void *varve_curl_easy_new(void);
void varve_curl_easy_reset(void *easy);
void varve_curl_easy_free(void *easy);
int varve_curl_set_number(void *easy, int option, int64_t number);
int varve_curl_set_text(void *easy, int option, const char *text);
int varve_curl_set_pointer(void *easy, int option, const void *pointer);
int varve_curl_set_data(void *easy, int option, varve_curl_data function);
int varve_curl_set_seek(void *easy, int option, varve_curl_seek function);
int64_t varve_curl_get_number(void *easy, int info);

/// A list of header lines with one more; NULL where memory ran out, and then `list` is still there.
void *varve_curl_list_append(void *list, const char *line);
void varve_curl_list_free(void *list);

void *varve_curl_multi_new(void);
void varve_curl_multi_free(void *multi);
int varve_curl_multi_add(void *multi, void *easy);
int varve_curl_multi_remove(void *multi, void *easy);

/// Does what can be done without waiting.
int varve_curl_multi_step(void *multi);

/// An easy handle whose transfer is over, with its result; NULL where there is none.
void *varve_curl_multi_finished(void *multi, int *result);

/// Waits until something can be done, somebody wakes it, or so many milliseconds have passed.
int varve_curl_multi_wait(void *multi, int milliseconds);

/// Ends a wait. From any thread.
int varve_curl_multi_wake(void *multi);

/// Signals that a thread keeps from itself: a sigset_t, which differs between systems.
typedef struct {
  uint64_t words[16];
} varve_signals;

/// Keeps SIGPIPE, which TLS may raise when a peer has gone, from the calling thread; `before` takes
/// what the thread kept from itself.
void varve_pipe_signal_block(varve_signals *before);

/// Drops a SIGPIPE that came since, and gives the thread back what it had.
void varve_pipe_signal_restore(const varve_signals *before);

/// A pipe, its reading end first, that programs do not inherit: on Linux from its first moment on. 0 where
/// there is one. (Here, since Swift does not see pipe2.)
int varve_pipe(int *ends);

#endif
