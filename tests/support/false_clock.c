/* The wall clock of one process, moved by as many nanoseconds as a mapped file says at this moment. Monotonic time stays.
 *
 * Preloaded into the processes of a zone, so that their clock can be stepped while that of the machine is left alone. A
 * wait up to a moment of the wall clock is changed into one up to the same moment of the real clock. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <dlfcn.h>

#define SECOND 1000000000LL
/* No machine has run for thirty years: a later deadline is one of the wall clock. */
#define LATEST_UPTIME 1000000000LL

static const volatile int64_t *offset;
static int (*real_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("FALSE_CLOCK_FILE");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (file >= 0) {
        void *page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
        if (page != MAP_FAILED) offset = page;
        close(file);
    }
}

static void move(struct timespec *at, int64_t by) {
    int64_t nanoseconds = at->tv_sec * SECOND + at->tv_nsec + by;
    at->tv_sec = nanoseconds / SECOND;
    at->tv_nsec = nanoseconds % SECOND;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    int failed = real_gettime ? real_gettime(clock, at) : (int)syscall(SYS_clock_gettime, clock, at);
    if (!failed && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) move(at, *offset);
    return failed;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

static struct timespec really(const struct timespec *until) {
    struct timespec at = *until;
    if (offset) move(&at, -*offset);
    return at;
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until) {
    if (until->tv_sec < LATEST_UPTIME) return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, until);
    struct timespec at = really(until);
    return pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &at);
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until) {
    struct timespec at = really(until);
    return pthread_mutex_clocklock(mutex, CLOCK_REALTIME, &at);
}

int sem_timedwait(sem_t *semaphore, const struct timespec *until) {
    struct timespec at = really(until);
    return sem_clockwait(semaphore, CLOCK_REALTIME, &at);
}
