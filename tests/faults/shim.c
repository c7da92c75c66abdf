/* Makes the k-th write, sync, open, truncation, link or removal of files under a prefix fail, or syncs
 * wait. An error number below zero kills the process in place of the call.
 *
 * Armed from inside (memmon_arm, through ctypes) or from the environment (FAULT_ARM), which the
 * child processes inherit; with FAULT_ONCE, the path of a file, only whoever manages to remove
 * that file fails. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { NOTHING, WRITE, SYNC, OPEN, TRUNCATE, LINK, UNLINK };

static char prefix[1024];
static char once[1024];
static volatile int armed_kind, first, span, error_number, calls, hits, delay_ms;

void memmon_arm(const char *where, int kind, int k, int count, int error)
{
    strncpy(prefix, where, sizeof prefix - 1);
    first = k; span = count; error_number = error; calls = 0; hits = 0;
    armed_kind = kind;
}

void memmon_delay(const char *where, int milliseconds)
{
    strncpy(prefix, where, sizeof prefix - 1);
    delay_ms = milliseconds;
}

int memmon_hits(void) { return hits; }

__attribute__((constructor)) static void from_environment(void)
{
    const char *text = getenv("FAULT_ARM");
    const char *flag = getenv("FAULT_ONCE");
    char where[1024]; int kind, k, count, error;
    if (flag) strncpy(once, flag, sizeof once - 1);
    if (text && sscanf(text, "%1023[^|]|%d|%d|%d|%d", where, &kind, &k, &count, &error) == 5)
        memmon_arm(where, kind, k, count, error);
}

static int is_ours(const char *path) { return prefix[0] && strncmp(path, prefix, strlen(prefix)) == 0; }

static int is_our_file(int fd)
{
    char name[64], path[1024];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t got = readlink(name, path, sizeof path - 1);
    if (got <= 0) return 0;
    path[got] = 0;
    return is_ours(path);
}

static int fails(int kind)
{
    int number;
    if (kind != armed_kind) return 0;
    number = __sync_add_and_fetch(&calls, 1);
    if (number < first || number >= first + span) return 0;
    if (once[0] && syscall(SYS_unlink, once) != 0) return 0;
    __sync_add_and_fetch(&hits, 1);
    if (error_number < 0) kill(getpid(), SIGKILL);
    errno = error_number;
    return 1;
}

static void wait_a_little(void)
{
    struct timespec pause = { delay_ms / 1000, (delay_ms % 1000) * 1000000L };
    if (delay_ms) nanosleep(&pause, NULL);
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define OPENER(name)                                              \
    int name(const char *path, int flags, ...)                    \
    {                                                             \
        va_list rest; mode_t mode;                                \
        REAL(name);                                               \
        va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); \
        if (is_ours(path) && fails(OPEN)) return -1;              \
        return real(path, flags, mode);                           \
    }
OPENER(open)
OPENER(open64)

#define OPENER_AT(name)                                           \
    int name(int folder, const char *path, int flags, ...)        \
    {                                                             \
        va_list rest; mode_t mode;                                \
        REAL(name);                                               \
        va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); \
        if (is_ours(path) && fails(OPEN)) return -1;              \
        return real(folder, path, flags, mode);                   \
    }
OPENER_AT(openat)
OPENER_AT(openat64)

ssize_t write(int fd, const void *data, size_t size)
{
    REAL(write);
    if (armed_kind == WRITE && is_our_file(fd) && fails(WRITE)) return -1;
    return real(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    REAL(pwrite);
    if (armed_kind == WRITE && is_our_file(fd) && fails(WRITE)) return -1;
    return real(fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    REAL(pwrite64);
    if (armed_kind == WRITE && is_our_file(fd) && fails(WRITE)) return -1;
    return real(fd, data, size, offset);
}
int fsync(int fd)
{
    REAL(fsync);
    if ((armed_kind == SYNC || delay_ms) && is_our_file(fd)) { wait_a_little(); if (fails(SYNC)) return -1; }
    return real(fd);
}
int fdatasync(int fd)
{
    REAL(fdatasync);
    if ((armed_kind == SYNC || delay_ms) && is_our_file(fd)) { wait_a_little(); if (fails(SYNC)) return -1; }
    return real(fd);
}
int ftruncate(int fd, off_t size)
{
    REAL(ftruncate);
    if (armed_kind == TRUNCATE && is_our_file(fd) && fails(TRUNCATE)) return -1;
    return real(fd, size);
}
int ftruncate64(int fd, off64_t size)
{
    REAL(ftruncate64);
    if (armed_kind == TRUNCATE && is_our_file(fd) && fails(TRUNCATE)) return -1;
    return real(fd, size);
}
int link(const char *from, const char *to)
{
    REAL(link);
    if (is_ours(from) && fails(LINK)) return -1;
    return real(from, to);
}
int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    REAL(linkat);
    if (is_ours(from) && fails(LINK)) return -1;
    return real(from_folder, from, to_folder, to, flags);
}
int unlink(const char *path)
{
    REAL(unlink);
    if (is_ours(path) && fails(UNLINK)) return -1;
    return real(path);
}
