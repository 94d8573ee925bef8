/* Holds a program behind its n-th sync of a file, until it is let go; and lets its clock jump from then on.
 *
 * HELD_FILE   how the file's path ends
 * HELD_AT     which sync of it, counted from 1
 * HELD_MARK   a file that is made once the program is held
 * HELD_GO     a file that lets it go on once it is there
 * HELD_CLOCK  seconds by which the wall clock is another one after that
 * HELD_FULL   part of a path: files with it take nothing more after that
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_int syncs;
static atomic_int passed;

static ssize_t path_of(int fd, char *path, size_t room) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, room - 1);
  if (length >= 0) path[length] = 0;
  return length;
}

static int is_watched(int fd) {
  const char *end = getenv("HELD_FILE");
  char path[4096];
  if (!end) return 0;
  ssize_t length = path_of(fd, path, sizeof path);
  size_t wanted = strlen(end);
  return length >= (ssize_t)wanted && !memcmp(path + length - wanted, end, wanted);
}

static void hold(void) {
  const char *at = getenv("HELD_AT"), *mark = getenv("HELD_MARK"), *go = getenv("HELD_GO");
  if (!at || !mark || !go || atomic_fetch_add(&syncs, 1) + 1 != atoi(at)) return;
  int fd = open(mark, O_CREAT | O_WRONLY, 0600);
  if (fd >= 0) close(fd);
  while (access(go, F_OK)) usleep(5000);
  atomic_store(&passed, 1);
}

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fsync");
  int done = real(fd), error = errno;
  if (is_watched(fd)) hold();
  errno = error;
  return done;
}

static int is_full(int fd) {
  const char *part = atomic_load(&passed) ? getenv("HELD_FULL") : NULL;
  char path[4096];
  return part && path_of(fd, path, sizeof path) > 0 && strstr(path, part);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real) real = dlsym(RTLD_NEXT, "write");
  if (is_full(fd)) {
    errno = ENOSPC;
    return -1;
  }
  return real(fd, bytes, length);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int done = real(clock, time);
  const char *jump = clock == CLOCK_REALTIME && atomic_load(&passed) ? getenv("HELD_CLOCK") : NULL;
  if (jump && !done) time->tv_sec += atoll(jump);
  return done;
}
