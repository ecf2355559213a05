#include "CVarveCurl.h"

#include <dlfcn.h>
#include <pthread.h>

/// CURLMsg (curl/multi.h); `message` is CURLMSG_DONE, the only kind there is.
typedef struct {
  int message;
  void *easy;
  union {
    void *whatever;
    int result;
  } data;
} curl_message;

/// curl_easyoption (curl/options.h), as far as it is needed.
typedef struct {
  const char *name;
  int number;
} curl_option;

static struct {
  int (*global_init)(long);
  const char *(*strerror)(int);
  const curl_option *(*option_by_name)(const char *);
  void *(*easy_init)(void);
  void (*easy_reset)(void *);
  void (*easy_cleanup)(void *);
  int (*easy_setopt)(void *, int, ...);
  int (*easy_getinfo)(void *, int, ...);
  void *(*slist_append)(void *, const char *);
  void (*slist_free_all)(void *);
  void *(*multi_init)(void);
  int (*multi_cleanup)(void *);
  int (*multi_add_handle)(void *, void *);
  int (*multi_remove_handle)(void *, void *);
  int (*multi_perform)(void *, int *);
  curl_message *(*multi_info_read)(void *, int *);
  int (*multi_poll)(void *, void *, unsigned, int, int *);
  int (*multi_wakeup)(void *);
} curl;

// MARK: - Loading

static const char *problem;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *open_library(void) {
  static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4",
                                      "/usr/lib/libcurl.4.dylib"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library) return library;
  }
  return NULL;
}

static void load(void) {
  static const struct {
    const char *name;
    void **place;
    int optional;
  } needed[] = {
      {"curl_global_init", (void **)&curl.global_init, 0},
      {"curl_easy_strerror", (void **)&curl.strerror, 0},
      {"curl_easy_option_by_name", (void **)&curl.option_by_name, 1},
      {"curl_easy_init", (void **)&curl.easy_init, 0},
      {"curl_easy_reset", (void **)&curl.easy_reset, 0},
      {"curl_easy_cleanup", (void **)&curl.easy_cleanup, 0},
      {"curl_easy_setopt", (void **)&curl.easy_setopt, 0},
      {"curl_easy_getinfo", (void **)&curl.easy_getinfo, 0},
      {"curl_slist_append", (void **)&curl.slist_append, 0},
      {"curl_slist_free_all", (void **)&curl.slist_free_all, 0},
      {"curl_multi_init", (void **)&curl.multi_init, 0},
      {"curl_multi_cleanup", (void **)&curl.multi_cleanup, 0},
      {"curl_multi_add_handle", (void **)&curl.multi_add_handle, 0},
      {"curl_multi_remove_handle", (void **)&curl.multi_remove_handle, 0},
      {"curl_multi_perform", (void **)&curl.multi_perform, 0},
      {"curl_multi_info_read", (void **)&curl.multi_info_read, 0},
      {"curl_multi_poll", (void **)&curl.multi_poll, 0},
      {"curl_multi_wakeup", (void **)&curl.multi_wakeup, 0},
  };
  void *library = open_library();
  problem = "libcurl.so.4 is not installed";
  if (!library) return;
  for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
    *needed[i].place = dlsym(library, needed[i].name);
    problem = "libcurl is older than 7.68";
    if (!*needed[i].place && !needed[i].optional) return;
  }
  problem = curl.global_init(3) == 0 ? NULL : "libcurl does not start";
}

const char *varve_curl_load(void) {
  pthread_once(&once, load);
  return problem;
}

int varve_curl_option_number(const char *name) {
  const curl_option *option = curl.option_by_name ? curl.option_by_name(name) : NULL;
  return option ? option->number : -1;
}

// MARK: - Calls

const char *varve_curl_error_text(int code) { return curl.strerror(code); }

void *varve_curl_easy_new(void) { return curl.easy_init(); }
void varve_curl_easy_reset(void *easy) { curl.easy_reset(easy); }
void varve_curl_easy_free(void *easy) { curl.easy_cleanup(easy); }

int varve_curl_set_number(void *easy, int option, int64_t number) {
  // From 30000 on an option is a curl_off_t, below 10000 a long.
  if (option >= 30000) return curl.easy_setopt(easy, option, number);
  return curl.easy_setopt(easy, option, (long)number);
}

int varve_curl_set_text(void *easy, int option, const char *text) {
  return curl.easy_setopt(easy, option, text);
}

int varve_curl_set_pointer(void *easy, int option, const void *pointer) {
  return curl.easy_setopt(easy, option, pointer);
}

int varve_curl_set_data(void *easy, int option, varve_curl_data function) {
  return curl.easy_setopt(easy, option, function);
}

int varve_curl_set_seek(void *easy, int option, varve_curl_seek function) {
  return curl.easy_setopt(easy, option, function);
}

int64_t varve_curl_get_number(void *easy, int info) {
  long number = 0;
  return curl.easy_getinfo(easy, info, &number) == 0 ? number : -1;
}

void *varve_curl_list_append(void *list, const char *line) {
  return curl.slist_append(list, line);
}

void varve_curl_list_free(void *list) { curl.slist_free_all(list); }

void *varve_curl_multi_new(void) { return curl.multi_init(); }
void varve_curl_multi_free(void *multi) { curl.multi_cleanup(multi); }
int varve_curl_multi_add(void *multi, void *easy) { return curl.multi_add_handle(multi, easy); }

int varve_curl_multi_remove(void *multi, void *easy) {
  return curl.multi_remove_handle(multi, easy);
}

int varve_curl_multi_step(void *multi) {
  int running;
  return curl.multi_perform(multi, &running);
}

void *varve_curl_multi_finished(void *multi, int *result) {
  int left;
  curl_message *message = curl.multi_info_read(multi, &left);
  if (!message) return NULL;
  *result = message->data.result;
  return message->easy;
}

int varve_curl_multi_wait(void *multi, int milliseconds) {
  return curl.multi_poll(multi, NULL, 0, milliseconds, NULL);
}

int varve_curl_multi_wake(void *multi) { return curl.multi_wakeup(multi); }

// MARK: - SIGPIPE

static void pipe_signal(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGPIPE);
}

void varve_pipe_signal_block(sigset_t *before) {
  sigset_t set;
  pipe_signal(&set);
  pthread_sigmask(SIG_BLOCK, &set, before);
}

void varve_pipe_signal_restore(const sigset_t *before) {
  sigset_t pending, set;
  // One that was kept back before is not ours to drop.
  if (!sigismember(before, SIGPIPE) && sigpending(&pending) == 0 &&
      sigismember(&pending, SIGPIPE)) {
    int number;
    pipe_signal(&set);
    sigwait(&set, &number);
  }
  pthread_sigmask(SIG_SETMASK, before, NULL);
}
