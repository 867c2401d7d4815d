// <sys/event.h> for tests on Linux: what kqueue.cpp sees there. Shape and numbers follow FreeBSD,
// but no program may rely on numbers: they differ between the systems.
#pragma once
// A struct and a function of one name: no warning about it, as in a system's own header.
#pragma GCC system_header

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct kevent {
  uintptr_t ident;
  short filter;
  unsigned short flags;
  unsigned int fflags;
  int64_t data;
  void* udata;
  uint64_t ext[4];
};

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_PROC (-5)
// Some BSDs have none.
#ifndef EDDY_KQUEUE_WITHOUT_USER
#define EVFILT_USER (-11)
#endif

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
#define EV_RECEIPT 0x0040
#define EV_DISPATCH 0x0080
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

#define NOTE_FFNOP 0x00000000u
#define NOTE_FFAND 0x40000000u
#define NOTE_FFOR 0x80000000u
#define NOTE_FFCOPY 0xc0000000u
#define NOTE_FFCTRLMASK 0xc0000000u
#define NOTE_FFLAGSMASK 0x00ffffffu
#define NOTE_TRIGGER 0x01000000u

#define NOTE_EXIT 0x80000000u
#define NOTE_EXITSTATUS 0x04000000u  // macOS only

#define EV_SET(kevp, a, b, c, d, e, f)          \
  do {                                          \
    struct kevent* kevp_ = (kevp);              \
    *kevp_ = {};                                \
    kevp_->ident = (a);                         \
    kevp_->filter = (b);                        \
    kevp_->flags = static_cast<uint16_t>(c);    \
    kevp_->fflags = (d);                        \
    kevp_->data = (e);                          \
    kevp_->udata = (f);                         \
  } while (0)

#ifdef __cplusplus
extern "C" {
#endif
int kqueue(void);
int kevent(int kq, const struct kevent* changes, int change_count, struct kevent* events,
           int event_count, const struct timespec* timeout);
#ifdef __cplusplus
}
#endif
