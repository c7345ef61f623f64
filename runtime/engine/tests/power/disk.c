/* A disk whose cache is lost with the power: what a database wrote and did not sync is known apart from what is on the disk.
 *
 * Loaded before the C library (LD_PRELOAD). MAPWRIGHT_DISK names a database; of it and of its log FILE there are two more files:
 * FILE.disk, what is on the disk, and FILE.cache, what was written since and not synced (each write: offset, length, bytes; a
 * truncation: its size, and the largest length). MAPWRIGHT_DISK_CUT is the number of the call at which the power goes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 1024
#define TRUNCATED UINT64_MAX

static char *names[FILES]; /* By descriptor. */
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static long calls;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static void broken(const char *what) {
    fprintf(stderr, "the disk of the test is broken: %s: %s\n", what, strerror(errno));
    abort();
}

static int is_kept(const char *path) {
    const char *database = getenv("MAPWRIGHT_DISK");
    size_t length = database ? strlen(database) : 0;
    if (!length || strncmp(path, database, length)) return 0;
    const char *rest = path + length;
    return !strcmp(rest, "") || !strcmp(rest, "-wal") || !strcmp(rest, "-journal");
}

static int beside(const char *path, const char *suffix, int flags) {
    char name[4096];
    snprintf(name, sizeof name, "%s.%s", path, suffix);
    int file = REAL(open)(name, flags | O_CLOEXEC, 0600);
    if (file < 0 && errno != ENOENT) broken(name);
    return file;
}

static void all(int file, const void *bytes, size_t length) {
    const char *rest = bytes;
    while (length) {
        ssize_t done = REAL(write)(file, rest, length);
        if (done <= 0) broken("write");
        rest += done;
        length -= (size_t)done;
    }
}

/* What was there before the first opening is on the disk. */
static void begin(const char *path) {
    int there = beside(path, "disk", O_RDONLY);
    if (there >= 0) {
        REAL(close)(there);
        return;
    }
    int from = REAL(open)(path, O_RDONLY | O_CLOEXEC), to = beside(path, "disk", O_WRONLY | O_CREAT);
    char bytes[65536];
    ssize_t length;
    while (from >= 0 && (length = read(from, bytes, sizeof bytes)) > 0) all(to, bytes, (size_t)length);
    if (from >= 0) REAL(close)(from);
    REAL(close)(to);
}

static int opened(const char *path, int file) {
    if (file >= 0 && file < FILES && is_kept(path)) {
        int before = errno;
        pthread_mutex_lock(&guard);
        begin(path);
        names[file] = strdup(path);
        pthread_mutex_unlock(&guard);
        errno = before;
    }
    return file;
}

/* Takes the lock if the file is kept; the power goes before the call takes effect. */
static const char *kept(int file) {
    if (file < 0 || file >= FILES || !names[file]) return NULL;
    const char *cut = getenv("MAPWRIGHT_DISK_CUT");
    pthread_mutex_lock(&guard);
    if (cut && ++calls == atol(cut)) raise(SIGKILL);
    return names[file];
}

static void note(const char *path, uint64_t offset, uint64_t length, const void *bytes) {
    uint64_t head[2] = {offset, length};
    int cache = beside(path, "cache", O_WRONLY | O_CREAT | O_APPEND);
    all(cache, head, sizeof head);
    if (length != TRUNCATED) all(cache, bytes, length);
    REAL(close)(cache);
}

static void sync_to_disk(const char *path) {
    int cache = beside(path, "cache", O_RDONLY), disk = beside(path, "disk", O_WRONLY);
    uint64_t head[2];
    while (cache >= 0 && read(cache, head, sizeof head) == sizeof head) {
        if (head[1] == TRUNCATED) {
            if (REAL(ftruncate)(disk, (off_t)head[0])) broken("ftruncate");
            continue;
        }
        char *bytes = malloc(head[1] + 1);
        if (!bytes || read(cache, bytes, head[1]) != (ssize_t)head[1]) broken("a cache that ends too early");
        lseek(disk, (off_t)head[0], SEEK_SET);
        all(disk, bytes, head[1]);
        free(bytes);
    }
    if (cache >= 0) REAL(close)(cache);
    REAL(close)(disk);
    REAL(close)(beside(path, "cache", O_WRONLY | O_CREAT | O_TRUNC));
}

#define OPENING(name, ...)                                 \
    int mode = 0;                                          \
    if (flags & (O_CREAT | O_TMPFILE)) {                   \
        va_list rest;                                      \
        va_start(rest, flags);                             \
        mode = va_arg(rest, int);                          \
        va_end(rest);                                      \
    }                                                      \
    return opened(path, REAL(name)(__VA_ARGS__, flags, mode));

int open(const char *path, int flags, ...) { OPENING(open, path) }
int open64(const char *path, int flags, ...) { OPENING(open64, path) }
int openat(int folder, const char *path, int flags, ...) { OPENING(openat, folder, path) }
int openat64(int folder, const char *path, int flags, ...) { OPENING(openat64, folder, path) }

int close(int file) {
    if (file >= 0 && file < FILES && names[file]) {
        pthread_mutex_lock(&guard);
        free(names[file]);
        names[file] = NULL;
        pthread_mutex_unlock(&guard);
    }
    return REAL(close)(file);
}

ssize_t write(int file, const void *bytes, size_t length) {
    const char *path = kept(file);
    if (!path) return REAL(write)(file, bytes, length);
    off_t offset = lseek(file, 0, SEEK_CUR);
    ssize_t done = REAL(write)(file, bytes, length);
    if (done > 0) note(path, (uint64_t)offset, (uint64_t)done, bytes);
    pthread_mutex_unlock(&guard);
    return done;
}

#define PWRITE(name)                                                         \
    const char *path = kept(file);                                           \
    ssize_t done = REAL(name)(file, bytes, length, offset);                  \
    if (path) {                                                              \
        if (done > 0) note(path, (uint64_t)offset, (uint64_t)done, bytes);   \
        pthread_mutex_unlock(&guard);                                        \
    }                                                                        \
    return done;

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) { PWRITE(pwrite) }
ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) { PWRITE(pwrite64) }

#define TRUNCATE(name)                                              \
    const char *path = kept(file);                                  \
    int done = REAL(name)(file, size);                              \
    if (path) {                                                     \
        if (!done) note(path, (uint64_t)size, TRUNCATED, NULL);     \
        pthread_mutex_unlock(&guard);                               \
    }                                                               \
    return done;

int ftruncate(int file, off_t size) { TRUNCATE(ftruncate) }
int ftruncate64(int file, off64_t size) { TRUNCATE(ftruncate64) }

#define SYNC(name)                          \
    const char *path = kept(file);          \
    if (!path) return REAL(name)(file);     \
    sync_to_disk(path);                     \
    pthread_mutex_unlock(&guard);           \
    return 0;

int fsync(int file) { SYNC(fsync) }
int fdatasync(int file) { SYNC(fdatasync) }

int unlink(const char *path) {
    if (is_kept(path)) {
        char name[4096];
        snprintf(name, sizeof name, "%s.disk", path);
        REAL(unlink)(name);
        snprintf(name, sizeof name, "%s.cache", path);
        REAL(unlink)(name);
    }
    return REAL(unlink)(path);
}
