/*
 * A library that maps each part, and does one thing wrong: the test compiles it with -DODD=n. 0 does all right, with the
 * optional functions too.
 */
#define _GNU_SOURCE
#include "external.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { RIGHT, OTHER_VERSION, SHORT_STRUCT, NO_STRUCT, NO_LOAD, FAILS, SAYS_UNSUPPORTED, NO_ADDRESS, OFF_THE_PAGE,
       WRONG_BYTES, CRASHES, FAILS_LATER, OTHER_CLOCK, BEFORE_TIME, FLIPS_A_BIT };

static int fail(weighbridge_failure* failure, const char* code, const char* message, int error_number) {
  snprintf(failure->code, sizeof failure->code, "%s", code);
  snprintf(failure->message, sizeof failure->message, "%s", message);
  failure->error_number = error_number;
  return WEIGHBRIDGE_FAILED;
}

static int unsupported(const weighbridge_request* request, weighbridge_failure* failure) {
  if (ODD != SAYS_UNSUPPORTED || request->part_count == 0) return WEIGHBRIDGE_OK;
  fail(failure, "no-device", "the device\nis not there", ENODEV);
  return WEIGHBRIDGE_UNSUPPORTED;
}

static int load(const weighbridge_request* request, weighbridge_weights* weights, weighbridge_failure* failure) {
  if (ODD == FAILS) return fail(failure, "worn-out", "it does not want to", EIO);
  if (ODD == CRASHES) abort();
  for (uint64_t i = 0; i < request->part_count; ++i) {
    const weighbridge_part* part = &request->parts[i];
    if (part->begin == part->end) continue;
    const int file = open(part->path, O_RDONLY | O_CLOEXEC);
    char* bytes = mmap(NULL, part->end, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    close(file);
    if (bytes == MAP_FAILED) return fail(failure, "mmap", part->path, errno);
    if (ODD == WRONG_BYTES) memset(bytes + part->begin + (part->end - part->begin) / 2, 0x11, 4096);
    if (ODD == FLIPS_A_BIT) bytes[part->begin + (part->end - part->begin) / 2] ^= 1;
    weights->addresses[i] = ODD == NO_ADDRESS ? NULL : bytes + part->begin + (ODD == OFF_THE_PAGE ? 32 : 0);
  }
  return WEIGHBRIDGE_OK;
}

static void unload(void* handle) { (void)handle; }

static int ready(void* handle, const weighbridge_tensor* range, weighbridge_failure* failure) {
  (void)handle;
  if (ODD == FAILS_LATER && range->bytes > 0) return fail(failure, "lost", "the bytes did not come", 0);
  return WEIGHBRIDGE_OK;
}

static int64_t settled(void* handle) {
  (void)handle;
  struct timespec now;
  clock_gettime(ODD == OTHER_CLOCK ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now);
  if (ODD == BEFORE_TIME) return -1;
  return now.tv_sec * 1000000000ll + now.tv_nsec;
}

const weighbridge_loader* weighbridge_loader_v1(void) {
  static const weighbridge_loader loader = {.struct_size = ODD == SHORT_STRUCT ? 16 : sizeof loader,
                                            .version = ODD == OTHER_VERSION ? 7 : WEIGHBRIDGE_EXTERNAL_VERSION,
                                            .name = "odd",
                                            .unsupported = unsupported,
                                            .load = ODD == NO_LOAD ? NULL : load,
                                            .unload = unload,
                                            .ready = ready,
                                            .settled = settled};
  return ODD == NO_STRUCT ? NULL : &loader;
}
