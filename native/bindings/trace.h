// A sample's timeline as JavaScript sees it.
#pragma once

#include <napi.h>

#include <optional>

#include "../trace.h"

namespace weighbridge::bindings {

// { phases, tensors, firstToken, complete }, or null.
Napi::Value trace_to_js(Napi::Env env, const std::optional<Trace>& trace);

}  // namespace weighbridge::bindings
