// SPDX-License-Identifier: Apache-2.0
// bench_update [ROUNDS]
//
// What it costs a device to verify a firmware bundle of 1 MB: the verifier as it streams, in pieces of 4 KiB, over the
// same library hashing the image and verifying one signature. Beside the signature of the manifest a bundle takes four
// more: two of its chain, one of its timestamp and one of that one's chain. In CPU time of one thread, so that what
// else runs does not count; a ratio within each round, and the median of the rounds. By the keys of the profile and of
// the CAs above it and above the timestamper, whose own is RSA-3072 as the service makes it; and with P-256 throughout,
// which the service does not make.
#include <ctime>

#include <cstdio>
#include <cstdlib>
#include <functional>

#include "agent/update/algorithm.h"
#include "hub/signing/certificates/key.h"
#include "hub/signing/service/authorities.h"
#include "tests/bench/report.h"
#include "tests/unit/agent/update/firmware_world.h"

namespace latchkey::bench {
namespace {

using namespace agent::test;  // NOLINT: the world that it makes
using agent::Reason;
using hub::signing::KeyKind;
using hub::signing::TrustKind;

constexpr std::size_t kImage = 1'000'000;
constexpr std::size_t kPiece = 4096;
constexpr hub::signing::Window kLong{kStart - 300 * kDay, kStart + 3000 * kDay};

double cpu_us() {
  std::timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double timed(const std::function<void()>& work) {
  const double begin = cpu_us();
  work();
  return cpu_us() - begin;
}

void must(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "bench_update: %s\n", what);
  std::exit(1);
}

Certified authority(FirmwareWorld& world, TrustKind kind, const Certified* above, openssl::PkeyPtr key) {
  Certified made;
  made.key = std::move(key);
  const Bytes serial = world.serial();
  auto certificate = above == nullptr
                         ? hub::signing::make_root(kind, made.key.get(), serial, kLong)
                         : hub::signing::make_issuing(kind, above->issuer(), made.key.get(), serial, kLong);
  made.certificate = std::move(*certificate);
  return made;
}

openssl::PkeyPtr key_of(KeyKind kind) {
  auto key = hub::signing::make_key(kind);
  must(key != nullptr, "no key");
  return key;
}

// The same world with other keys of its CAs, and a timestamper that has RSA-3072.
void exchange_authorities(FirmwareWorld& world, KeyKind kind) {
  world.root = authority(world, TrustKind::kPublic, nullptr, key_of(kind));
  world.issuing = authority(world, TrustKind::kPublic, &world.root, key_of(kind));
  world.timestamp_root = authority(world, TrustKind::kTimestamp, nullptr, key_of(kind));
  Certified tsa;
  tsa.key = key_of(KeyKind::kRsa3072);
  const Bytes serial = world.serial();
  tsa.certificate = std::move(*hub::signing::make_timestamper("Latchkey Test TSA", tsa.key.get(), serial,
                                                              {kStart - 30 * kDay, kStart + 365 * kDay},
                                                              world.timestamp_root.issuer()));
  world.tsa = std::move(tsa);
  world.hand_out_roots();
}

struct Figures {
  std::vector<double> verification;
  std::vector<double> hashing;
  std::vector<double> one_verify;
  std::vector<double> ratio;
};

// Hashing of the image, and one verification of a signature by the leaf's key.
struct Floor {
  Bytes spki;
  crypto::SignatureKind kind;
  crypto::HashValue digest;
  Bytes signature;
};
Floor floor_of(const Bytes& bundle) {
  Floor floor;
  const auto envelope = agent::read_bundle(bundle)->envelope;
  floor.kind = *agent::signature_kind(envelope.algorithm);
  floor.spki = hub::signing::copy_of(crypto::inspect_signer(envelope.chain[0])->spki);
  std::array<std::uint8_t, agent::kSignedHeadMax> room{};
  const ByteView parts[] = {*agent::signed_head(envelope, room), envelope.payload};
  must(crypto::hash_of(floor.kind.hash, parts, 2, floor.digest).has_value(), "no hash");
  floor.signature = hub::signing::copy_of(envelope.signature);
  return floor;
}

Figures measure(FirmwareWorld& world, KeyKind kind, int rounds) {
  const Certified leaf = world.leaf(ProfileType::kPublicTrust, kStart, key_of(kind));
  Release release;
  release.algorithm = kind == KeyKind::kRsa3072 ? Algorithm::kRs256 : Algorithm::kEs256;
  release.image = Bytes(kImage, 0x42);
  const Bytes bundle = world.bundle(leaf, release);
  const Bytes statement = world.revocation_statement();
  const auto revocations = world.revocations(statement);
  const auto trust = world.device_trust(&revocations);
  const auto device = world.device();
  const Floor floor = floor_of(bundle);
  Figures figures;
  for (int round = 0; round < rounds; ++round) {
    const double verification = timed(
        [&] { must(verdict_on(bundle, trust, device, kYearLater, kPiece) == Reason::kGood, "not a good bundle"); });
    const double hashing = timed([&] {
      crypto::HashStream stream;
      crypto::HashValue value;
      must(stream.start(crypto::Hash::kSha256).has_value(), "no hash");
      for (std::size_t at = 0; at < kImage; at += kPiece) (void)stream.add(ByteView(release.image).subview(at, kPiece));
      must(stream.finish(value).has_value(), "no hash");
    });
    const double one_verify = timed([&] {
      must(crypto::verify_digest(floor.spki, floor.kind, floor.digest.view(), floor.signature).has_value(), "wrong");
    });
    figures.verification.push_back(verification);
    figures.hashing.push_back(hashing);
    figures.one_verify.push_back(one_verify);
    figures.ratio.push_back(verification / (hashing + one_verify));
  }
  return figures;
}

// The goal is for CAs as the service makes them; what others cost stands beside it.
void tell(Report& report, const std::string& keys, const Figures& figures, bool as_made) {
  report.row({{"keys", keys},
              {"verification us", median(figures.verification)},
              {"hashing us", median(figures.hashing)},
              {"one verify us", median(figures.one_verify)},
              {"ratio", median(figures.ratio)}});
  const std::string what = "verification of 1 MB over hashing it and one verify, " + keys;
  if (as_made) {
    report.check(what, median(figures.ratio), "ratio", Goal::kBelow, 1.3);
  } else {
    report.check(what, median(figures.ratio), "ratio");
  }
}

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  using namespace latchkey::bench;
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 101;
  if (rounds <= 0) {
    std::fprintf(stderr, "usage: bench_update [ROUNDS]\n");
    return 2;
  }
  Report report("update", "none");
  report.version("mbedtls", "2.28");
  using latchkey::hub::signing::KeyKind;
  for (const KeyKind above : {KeyKind::kRsa3072, KeyKind::kEcP384}) {
    FirmwareWorld world;
    exchange_authorities(world, above);
    const std::string below = " below " + std::string(latchkey::hub::signing::name_of(above));
    const bool as_made = above == latchkey::hub::signing::Authorities::Options{}.ca_key;
    tell(report, "rsa-3072" + below, measure(world, KeyKind::kRsa3072, rounds), as_made);
    tell(report, "ec-p256" + below, measure(world, KeyKind::kEcP256, rounds), as_made);
  }
  FirmwareWorld world;
  tell(report, "ec-p256 throughout", measure(world, KeyKind::kEcP256, rounds), false);
  return report.finish() ? 0 : 1;
}
