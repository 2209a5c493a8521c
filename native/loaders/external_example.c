/*
 * A loader of your own, whole: pread(2) of each part into anonymous memory. In a project that has weighbridge installed:
 *
 *   cc -shared -fPIC -O2 -I node_modules/weighbridge/native/loaders -o libexample.so \
 *     node_modules/weighbridge/native/loaders/external_example.c
 *   npx weighbridge run model.gguf --loader read,./libexample.so
 */
#include "external.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct held { uint64_t count; struct { void* memory; uint64_t bytes; } parts[]; };

static int fail(weighbridge_failure* failure, const char* step, const char* path, int error_number) {
  failure->error_number = error_number;
  snprintf(failure->code, sizeof failure->code, "%s", step);
  snprintf(failure->message, sizeof failure->message, "%s: %s", path, error_number ? strerror(error_number) : "changed");
  return WEIGHBRIDGE_FAILED;
}

static void unload(void* handle) {
  struct held* held = handle;
  for (uint64_t i = 0; i < held->count; ++i) munmap(held->parts[i].memory, held->parts[i].bytes);
  free(held);
}

static int read_part(const weighbridge_part* part, char* to, weighbridge_failure* failure) {
  const int file = open(part->path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  int result = file >= 0 && fstat(file, &status) == 0 ? WEIGHBRIDGE_OK : fail(failure, "open", part->path, errno);
  if (result == WEIGHBRIDGE_OK && (uint64_t)status.st_size != part->bytes) result = fail(failure, "size", part->path, 0);
  for (uint64_t at = part->begin; result == WEIGHBRIDGE_OK && at < part->end;) {
    const ssize_t got = pread(file, to + (at - part->begin), part->end - at, (off_t)at);
    if (got > 0) at += (uint64_t)got;
    else if (got == 0 || errno != EINTR) result = fail(failure, "pread", part->path, got == 0 ? 0 : errno);
  }
  if (file >= 0) close(file);
  return result;
}

static int load(const weighbridge_request* request, weighbridge_weights* weights, weighbridge_failure* failure) {
  struct held* held = calloc(1, sizeof *held + request->part_count * sizeof held->parts[0]);
  int result = held != NULL ? WEIGHBRIDGE_OK : fail(failure, "calloc", "no memory", ENOMEM);
  for (uint64_t i = 0; result == WEIGHBRIDGE_OK && i < request->part_count; ++i) {
    const weighbridge_part* part = &request->parts[i];
    if (part->begin == part->end) continue;
    /* A mapping begins on a page, and so does `begin`: that is the alignment which is asked for. */
    void* memory = mmap(NULL, part->end - part->begin, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) { result = fail(failure, "mmap", part->path, errno); break; }
    held->parts[held->count].memory = memory;
    held->parts[held->count++].bytes = part->end - part->begin;
    weights->addresses[i] = memory;
    result = read_part(part, memory, failure);
  }
  if (result != WEIGHBRIDGE_OK && held != NULL) unload(held);
  if (result != WEIGHBRIDGE_OK) return result;
  weights->handle = held;
  snprintf(weights->note, sizeof weights->note, "%llu parts read", (unsigned long long)held->count);
  return WEIGHBRIDGE_OK;
}

const weighbridge_loader* weighbridge_loader_v1(void) {
  static const weighbridge_loader loader = {.struct_size = sizeof loader, .version = WEIGHBRIDGE_EXTERNAL_VERSION,
                                            .name = "example", .load = load, .unload = unload};
  return &loader;
}
