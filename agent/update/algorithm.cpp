// SPDX-License-Identifier: Apache-2.0
#include "agent/update/algorithm.h"

namespace latchkey::agent {
namespace {

using crypto::Hash;
using crypto::KeyCurve;
using crypto::Scheme;

struct Known {
  std::int16_t cose_id;
  crypto::SignatureKind kind;
};
constexpr Known kKnown[] = {
    {-257, {Scheme::kPkcs1, Hash::kSha256, KeyCurve::kAny}},       // RS256
    {-258, {Scheme::kPkcs1, Hash::kSha384, KeyCurve::kAny}},       // RS384
    {-259, {Scheme::kPkcs1, Hash::kSha512, KeyCurve::kAny}},       // RS512
    {-37, {Scheme::kPss, Hash::kSha256, KeyCurve::kAny}},          // PS256
    {-38, {Scheme::kPss, Hash::kSha384, KeyCurve::kAny}},          // PS384
    {-39, {Scheme::kPss, Hash::kSha512, KeyCurve::kAny}},          // PS512
    {-7, {Scheme::kEcdsa, Hash::kSha256, KeyCurve::kP256}},        // ES256
    {-35, {Scheme::kEcdsa, Hash::kSha384, KeyCurve::kP384}},       // ES384
    {-36, {Scheme::kEcdsa, Hash::kSha512, KeyCurve::kP521}},       // ES512
    {-47, {Scheme::kEcdsa, Hash::kSha256, KeyCurve::kSecp256k1}},  // ES256K
};

}  // namespace

Result<crypto::SignatureKind> signature_kind(std::int64_t cose_id) {
  for (const Known& known : kKnown) {
    if (known.cose_id == cose_id) return known.kind;
  }
  return fail(Status::kUnsupported);
}

}  // namespace latchkey::agent
