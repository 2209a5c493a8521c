/*
 * What a shared library exports to be weighed: weighbridge run MODEL --loader ./libmine.so
 * external_example.c is a whole one. C99 and C++; no library to link with.
 *
 * How it is used. In the process of one sample the library is opened (RTLD_NOW | RTLD_LOCAL) and `unsupported` asked
 * before the clock starts; `load` runs inside the timed interval; the kernel then reads the weights in place, after
 * asking `ready` where there is one; `settled` and `unload` follow. The library stays open until the process ends, so it
 * may have threads and thread-local data.
 *
 * Compatibility. The entry's name carries the version of these rules. Every struct that begins with `struct_size` may
 * grow at its end in later releases and never changes otherwise; whoever fills such a struct writes its own sizeof there,
 * and whoever reads it reads no field beyond. Padding and `reserved` fields are zero. weighbridge_part and
 * weighbridge_tensor lie in arrays and never change. What cannot be added like this gets a new entry.
 *
 * Rules for a library:
 *  - Every pointer handed to a function is valid until that function returns, and is not to be written to unless it is
 *    the function's last argument.
 *  - It opens the files itself, changes nothing in them, and fails where a file is not `bytes` long any more.
 *  - The memory of a part begins at an address that equals `begin` modulo `page_bytes`, as in a map of the file, and
 *    holds the bytes [begin, end) of the file. It stays there, unchanged, until `unload`.
 *  - It does what it is named for, or says that it cannot: WEIGHBRIDGE_UNSUPPORTED. It never does something else instead.
 *  - It does not end the process, print, change signal handlers, limits or the working directory, fork, or let an
 *    exception out. A crash costs the sample, which is then reported as failed.
 *  - load, settled and unload are called by one thread, one after the other; `ready` by several threads at once, with any
 *    range within a tensor.
 */
#ifndef WEIGHBRIDGE_EXTERNAL_H
#define WEIGHBRIDGE_EXTERNAL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIGHBRIDGE_EXTERNAL_VERSION 1u

/* What functions return. */
#define WEIGHBRIDGE_OK 0
#define WEIGHBRIDGE_FAILED 1      /* something broke */
#define WEIGHBRIDGE_UNSUPPORTED 2 /* this machine or file system does not offer it */

/* A file of the model, and what is wanted of it. Parts without tensors have begin == end == 0. */
typedef struct weighbridge_part {
  const char* path;
  uint64_t bytes; /* of the file, when its header was read */
  uint64_t begin; /* first byte wanted: the first tensor byte, rounded down to a page */
  uint64_t end;   /* behind the last tensor byte */
} weighbridge_part;

/* A run of bytes: a whole tensor in a request, any run within one for `ready`. */
typedef struct weighbridge_tensor {
  uint32_t part; /* index into the request's parts */
  uint32_t reserved;
  uint64_t offset; /* from the start of the part's file */
  uint64_t bytes;
} weighbridge_tensor;

typedef struct weighbridge_request {
  uint32_t struct_size;
  uint32_t version; /* WEIGHBRIDGE_EXTERNAL_VERSION of the program */
  const weighbridge_part* parts;
  uint64_t part_count;
  const weighbridge_tensor* tensors; /* every tensor, in the order in which the forward pass reads them */
  uint64_t tensor_count;
  uint64_t page_bytes;
} weighbridge_request;

/* Filled by `load`; comes zeroed, with room for one address a part. */
typedef struct weighbridge_weights {
  uint32_t struct_size;
  uint32_t reserved;
  void* handle;           /* the library's own; handed back to the functions below */
  const void** addresses; /* addresses[i]: where byte parts[i].begin lies; may stay NULL where begin == end */
  char note[256];         /* what the loader found that it had got ("huge pages: 12 of 300"); goes into the sample */
} weighbridge_weights;

/* Filled by whoever does not return WEIGHBRIDGE_OK; comes zeroed. Texts are UTF-8, one line, ended by a zero. */
typedef struct weighbridge_failure {
  uint32_t struct_size;
  int32_t error_number; /* errno, 0 where no system call failed */
  char code[64];        /* a word for programs, such as "no-device" */
  char message[512];    /* for people: what, and what to do about it */
} weighbridge_failure;

typedef struct weighbridge_loader {
  uint32_t struct_size;
  uint32_t version; /* WEIGHBRIDGE_EXTERNAL_VERSION that the library was built with */
  const char* name;

  /* Optional. Whether it can work for these files here. tensors is NULL and begin, end are 0. Asks, changes nothing, and
   * leaves no page of the files in the page cache. */
  int (*unsupported)(const weighbridge_request* request, weighbridge_failure* failure);

  /* Works until the addresses are valid. With a `ready` function the bytes may still be on their way then. */
  int (*load)(const weighbridge_request* request, weighbridge_weights* weights, weighbridge_failure* failure);

  /* Releases everything. Called once for each load that returned WEIGHBRIDGE_OK. */
  void (*unload)(void* handle);

  /* Optional. Returns once the range's bytes are there. */
  int (*ready)(void* handle, const weighbridge_tensor* range, weighbridge_failure* failure);

  /* Optional. Waits until nothing is left to do; returns when that was, as CLOCK_MONOTONIC nanoseconds. A time that has
   * not come yet, as one of another clock would be, fails the sample. */
  int64_t (*settled)(void* handle);
} weighbridge_loader;

/* The one symbol that the library exports. The struct stays valid while the library is open. */
const weighbridge_loader* weighbridge_loader_v1(void);

#ifdef __cplusplus
}
#endif

#endif
