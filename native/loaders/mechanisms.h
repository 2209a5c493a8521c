// One row each; the files beside this one define them, table.cc lists them.
#pragma once

#include "loader.h"

namespace weighbridge::mechanisms {

extern const Loader null;
extern const Loader cxx_stream;
extern const Loader stdio;
extern const Loader read;
extern const Loader mmap;
extern const Loader pread;
extern const Loader direct;
extern const Loader hybrid;
extern const Loader uring;
extern const Loader discard;
extern const Loader callback;
extern const Loader external;

}  // namespace weighbridge::mechanisms
