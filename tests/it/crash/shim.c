/*
 * Loaded into a process (LD_PRELOAD) to kill it at one of its durable steps: a call that changes a file or a
 * folder, or makes a change durable. Steps are counted from 1 over all threads, and only under one folder.
 *
 *   CRASH_UNDER   the folder, an absolute path
 *   CRASH_TRACE   a file that gets one line for each step, before it happens: number, call, path
 *   CRASH_KIND    how the call, a space and the path of a step to die at begin, the end of the line included
 *   CRASH_AT      the number of the step to die at, counted among those of that kind; 0 is never
 *   CRASH_PHASE   `before` the call, `half` (a write puts only the first half of its bytes), or `after` it
 *
 * The kill is SIGKILL: no destructor, no buffer, no other thread gets another turn. What the kernel was told stays.
 * Calls that are not made through the C library are not seen; Rust's standard library makes all of its own through it.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { GO_ON, HALF, AFTER };

static atomic_ullong steps, of_kind;
static unsigned long long die_at;
static int phase;
static const char *under, *kind;
static size_t under_length;
static int trace = -1;

__attribute__((constructor)) static void arm(void) {
    const char *file = getenv("CRASH_TRACE"), *at = getenv("CRASH_AT"), *when = getenv("CRASH_PHASE");
    under = getenv("CRASH_UNDER");
    kind = getenv("CRASH_KIND");
    if (!under || !file || !when || !kind)
        return;
    under_length = strlen(under);
    die_at = at ? strtoull(at, NULL, 10) : 0;
    phase = !strcmp(when, "before") ? GO_ON : !strcmp(when, "half") ? HALF : AFTER;
    trace = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* A step is about to happen: what to do about it. Does not return if the process dies before it. */
static int step(const char *call, const char *path) {
    char line[4200], what[4100];
    snprintf(what, sizeof what, "%s %s\n", call, path + under_length);
    int here = !strncmp(what, kind, strlen(kind)) && atomic_fetch_add(&of_kind, 1) + 1 == die_at;
    /* The one to die at is marked. */
    int length = snprintf(line, sizeof line, "%llu%s %s", atomic_fetch_add(&steps, 1) + 1, here ? "!" : "", what);
    syscall(SYS_write, trace, line, (size_t)length);
    if (!here)
        return GO_ON;
    if (phase == GO_ON)
        die();
    return phase;
}

static int is_under(const char *path) {
    return trace >= 0 && !strncmp(path, under, under_length);
}

/* Where an open file lies, if that is under the folder. Sockets, pipes and terminals are not. */
static const char *path_of(int fd, char *into, size_t size) {
    char link[32];
    if (trace < 0)
        return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, into, size - 1);
    if (length < 0)
        return NULL;
    into[length] = 0;
    return is_under(into) ? into : NULL;
}

/* The path that a call names, relative to a folder or not, if it is under the folder. */
static const char *path_at(int folder, const char *path, char *into, size_t size) {
    char at[4096];
    if (trace < 0)
        return NULL;
    if (path[0] == '/')
        return is_under(path) ? path : NULL;
    if (folder == AT_FDCWD) {
        if (!getcwd(at, sizeof at))
            return NULL;
    } else if (!path_of(folder, at, sizeof at)) {
        return NULL;
    }
    snprintf(into, size, "%s/%.2000s", at, path);
    return is_under(into) ? into : NULL;
}

#define REAL(result, name, ...)                                                                                        \
    static result (*real)(__VA_ARGS__);                                                                                \
    if (!real)                                                                                                         \
        real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name);

/* Does `doing` as a step if `where` is under the folder, and without a word if not. */
#define STEP(call, where, doing)                                                                                       \
    do {                                                                                                               \
        char room[4200];                                                                                               \
        (void)room;                                                                                                    \
        const char *path = where;                                                                                      \
        if (path && step(call, path) != GO_ON) {                                                                       \
            (void)(doing);                                                                                             \
            die();                                                                                                     \
        }                                                                                                              \
        return doing;                                                                                                  \
    } while (0)

/* The same for a call that puts bytes: `half` puts the first half of them. */
#define PUT(call, fd, half, whole)                                                                                     \
    do {                                                                                                               \
        char room[4200];                                                                                               \
        const char *path = path_of(fd, room, sizeof room);                                                             \
        int what = path ? step(call, path) : GO_ON;                                                                    \
        if (what == HALF)                                                                                              \
            (void)!(half);                                                                                             \
        if (what == AFTER)                                                                                             \
            (void)!(whole);                                                                                            \
        if (what != GO_ON)                                                                                             \
            die();                                                                                                     \
        return whole;                                                                                                  \
    } while (0)

ssize_t write(int fd, const void *bytes, size_t length) {
    REAL(ssize_t, write, int, const void *, size_t)
    PUT("write", fd, real(fd, bytes, length / 2), real(fd, bytes, length));
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t)
    PUT("write", fd, real(fd, bytes, length / 2, at), real(fd, bytes, length, at));
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t)
    PUT("write", fd, real(fd, bytes, length / 2, at), real(fd, bytes, length, at));
}

/* Half of several pieces is half of the first. */
ssize_t writev(int fd, const struct iovec *pieces, int count) {
    REAL(ssize_t, writev, int, const struct iovec *, int)
    PUT("write", fd, (ssize_t)syscall(SYS_write, fd, count ? pieces[0].iov_base : NULL, count ? pieces[0].iov_len / 2 : 0),
        real(fd, pieces, count));
}

ssize_t copy_file_range(int from, off64_t *from_at, int fd, off64_t *at, size_t length, unsigned flags) {
    REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned)
    PUT("write", fd, real(from, from_at, fd, at, length / 2, flags), real(from, from_at, fd, at, length, flags));
}

int fsync(int fd) {
    REAL(int, fsync, int)
    STEP("fsync", path_of(fd, room, sizeof room), real(fd));
}

int fdatasync(int fd) {
    REAL(int, fdatasync, int)
    STEP("fdatasync", path_of(fd, room, sizeof room), real(fd));
}

int sync_file_range(int fd, off64_t from, off64_t length, unsigned flags) {
    REAL(int, sync_file_range, int, off64_t, off64_t, unsigned)
    STEP("sync_file_range", path_of(fd, room, sizeof room), real(fd, from, length, flags));
}

int ftruncate(int fd, off_t length) {
    REAL(int, ftruncate, int, off_t)
    STEP("ftruncate", path_of(fd, room, sizeof room), real(fd, length));
}

int ftruncate64(int fd, off64_t length) {
    REAL(int, ftruncate64, int, off64_t)
    STEP("ftruncate", path_of(fd, room, sizeof room), real(fd, length));
}

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *)
    STEP("rename", path_at(AT_FDCWD, to, room, sizeof room), real(from, to));
}

int renameat(int from_folder, const char *from, int folder, const char *to) {
    REAL(int, renameat, int, const char *, int, const char *)
    STEP("rename", path_at(folder, to, room, sizeof room), real(from_folder, from, folder, to));
}

int link(const char *from, const char *to) {
    REAL(int, link, const char *, const char *)
    STEP("link", path_at(AT_FDCWD, to, room, sizeof room), real(from, to));
}

int linkat(int from_folder, const char *from, int folder, const char *to, int flags) {
    REAL(int, linkat, int, const char *, int, const char *, int)
    STEP("link", path_at(folder, to, room, sizeof room), real(from_folder, from, folder, to, flags));
}

int unlink(const char *path_) {
    REAL(int, unlink, const char *)
    STEP("unlink", path_at(AT_FDCWD, path_, room, sizeof room), real(path_));
}

int unlinkat(int folder, const char *path_, int flags) {
    REAL(int, unlinkat, int, const char *, int)
    STEP("unlink", path_at(folder, path_, room, sizeof room), real(folder, path_, flags));
}

int mkdir(const char *path_, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t)
    STEP("mkdir", path_at(AT_FDCWD, path_, room, sizeof room), real(path_, mode));
}

int rmdir(const char *path_) {
    REAL(int, rmdir, const char *)
    STEP("rmdir", path_at(AT_FDCWD, path_, room, sizeof room), real(path_));
}

int chmod(const char *path_, mode_t mode) {
    REAL(int, chmod, const char *, mode_t)
    STEP("chmod", path_at(AT_FDCWD, path_, room, sizeof room), real(path_, mode));
}

/* Opening is a step where it may make a file or empty one. */
#define OPENS(flags) ((flags) & (O_CREAT | O_TRUNC))

#define MODE                                                                                                           \
    mode_t mode = 0;                                                                                                   \
    if (flags & (O_CREAT | __O_TMPFILE)) {                                                                             \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        mode = (mode_t)va_arg(more, int);                                                                              \
        va_end(more);                                                                                                  \
    }

int open(const char *path_, int flags, ...) {
    REAL(int, open, const char *, int, ...)
    MODE
    STEP("open", OPENS(flags) ? path_at(AT_FDCWD, path_, room, sizeof room) : NULL, real(path_, flags, mode));
}

int open64(const char *path_, int flags, ...) {
    REAL(int, open64, const char *, int, ...)
    MODE
    STEP("open", OPENS(flags) ? path_at(AT_FDCWD, path_, room, sizeof room) : NULL, real(path_, flags, mode));
}

int openat(int folder, const char *path_, int flags, ...) {
    REAL(int, openat, int, const char *, int, ...)
    MODE
    STEP("open", OPENS(flags) ? path_at(folder, path_, room, sizeof room) : NULL, real(folder, path_, flags, mode));
}

int openat64(int folder, const char *path_, int flags, ...) {
    REAL(int, openat64, int, const char *, int, ...)
    MODE
    STEP("open", OPENS(flags) ? path_at(folder, path_, room, sizeof room) : NULL, real(folder, path_, flags, mode));
}
