// The function of a `callback` loader, for the duration of one native call.
#pragma once

#include <napi.h>

#include "../loaders/callback.h"

namespace weighbridge::bindings {

// Calls `load` as LoadFunction in src/loader.ts describes it, and checks what it gives.
class FunctionSupplier : public Supplier {
 public:
  // No function where object.load is absent: a `callback` load is then refused. Anything else throws Error bad-option.
  explicit FunctionSupplier(const Napi::Object& object);
  Supplied supply(std::span<const Part> parts, std::span<const Extent> wanted) override;
  bool there() const { return !load_.IsEmpty(); }

 private:
  Napi::Function load_;
};

// While it lives, in the call that got `object`, the mechanism `callback` asks object.load.
class LoadFunctionScope {
 public:
  explicit LoadFunctionScope(const Napi::Object& object)
      : supplier_(object), scope_(supplier_.there() ? &supplier_ : nullptr) {}

 private:
  FunctionSupplier supplier_;
  CallbackScope scope_;
};

}  // namespace weighbridge::bindings
