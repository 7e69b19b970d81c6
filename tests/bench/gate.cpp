// SPDX-License-Identifier: Apache-2.0
// bench_gate [DEVICES]: what one CONNECT costs the gate, from the certificate in hand to the decision on record, and
// how fast a gate takes the registry's state in. The gate is the plugin's own, over a broker on paper: sockets, TLS and
// the broker itself are bench_connect's business.
//
// Taken in rounds of 64 devices at random out of all: their certificates are warm, as TLS has just read them; the
// table's lines are not. A certificate of an earlier credential generation costs the verdict alone (certificate,
// checks, table, record); a current one also the session's entry in the gate's books and its announcement to the hub
// process. Beside both, in the same rounds: the ECDSA verification that every handshake of such a device pays for
// anyway.
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "hub/gate/leaf.h"
#include "tests/bench/report.h"
#include "tests/unit/hub/gate/gate_world.h"

namespace latchkey::bench {
namespace {

using Clock = std::chrono::steady_clock;
using hub::gate::ConnectRequest;
using hub::gate::Gate;
namespace wire = hub::wire;

constexpr std::size_t kCertificates = 4096;  // of devices spread over all
constexpr std::size_t kRound = 64;
constexpr int kRounds = 2000;
constexpr std::size_t kSnapshotBatch = 1000;  // changes in a batch, as the feeder sends them
constexpr std::size_t kIncrements = 200'000;

double seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// A credential id that belongs to device `number`: the first of it, or its successors.
CredentialId credential_of(std::uint64_t number, std::uint8_t generation) {
  CredentialId id;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  id.bytes[15] = generation;
  return id;
}

Uuid uuid_of(std::uint64_t number) {
  Uuid id;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  id.bytes[8] = 0x80;
  return id;
}

std::string name_of(std::uint64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "device-%08llu", static_cast<unsigned long long>(number));
  return text;
}

wire::DeviceRecord record_of(std::uint64_t number, std::uint8_t generation) {
  return {name_of(number), uuid_of(number), credential_of(number, generation), true,
          static_cast<std::uint16_t>(number % 7)};
}

// The whole state in batches, encoded as they arrive at a gate.
std::vector<wire::Bytes> encoded_snapshot(std::uint64_t devices, std::uint64_t generation, const wire::Bytes& ca) {
  std::vector<wire::Bytes> batches;
  wire::Batch batch;
  batch.generation = generation;
  batch.changes.push_back(wire::AnchorAdded{hub::gate::test::id_of<Uuid>(9), ca});
  for (std::uint64_t i = 0; i <= devices; ++i) {
    if (i == devices || batch.changes.size() == kSnapshotBatch) {
      ++batch.number;
      batch.snapshot_end = i == devices;
      batches.push_back(encode(batch));
      batch.changes.clear();
    }
    if (i < devices) batch.changes.push_back(record_of(i, 0));
  }
  return batches;
}

class GateBench {
 public:
  explicit GateBench(std::uint64_t devices)
      : devices_(devices), world_(hub::gate::test::options_for(hub::gate::Endpoint::kHub)) {
    world_.connect_hub();
  }

  // Seconds.
  double take_snapshot() {
    const auto batches = encoded_snapshot(devices_, kGeneration, hub::gate::test::der_of(world_.ca.get()));
    number_ = batches.size();
    return take(batches);
  }

  // Changes a second, so many in a batch: each gives a device its next credential id.
  double take_increments(std::size_t in_a_batch) {
    std::vector<wire::Bytes> batches;
    for (std::size_t done = 0; done < kIncrements; done += in_a_batch) {
      wire::Batch batch{kGeneration, ++number_, false, wire::kEndless, {}};
      for (std::size_t i = 0; i < in_a_batch; ++i) batch.changes.push_back(record_of(random_() % devices_, 0));
      batches.push_back(encode(batch));
    }
    return static_cast<double>(kIncrements) / take(batches);
  }

  struct Verdicts {
    std::vector<double> verdict_ns, admission_ns, life_ns, verify_ns;  // each of one round, a device
    std::uint64_t wrong = 0;
  };
  Verdicts decide() {
    const auto current = make_certificates(0);
    const auto outdated = make_certificates(1);
    make_signature();
    Verdicts found;
    for (int round = 0; round < kRounds; ++round) {
      refuse_round(outdated, found);
      admit_round(current, found);
      found.verify_ns.push_back(1e9 * verify());
    }
    return found;
  }

 private:
  static constexpr std::uint64_t kGeneration = 42;

  struct Device {
    hub::gate::X509Ptr certificate;
    std::string id;
    std::string username;
    hub::gate::TlsVerdict verdict;
    int handle = 0;
  };

  double take(const std::vector<wire::Bytes>& batches) {
    const auto start = Clock::now();
    for (const auto& batch : batches) {
      world_.gate.on_control(&world_.hub_handle, wire::kFeedTopic, batch);
      world_.gate.on_tick();
    }
    const auto end = Clock::now();
    world_.host.published.clear();
    return seconds(start, end);
  }

  using Devices = std::vector<std::unique_ptr<Device>>;

  // Certificates with the credential id of that generation; the table holds generation 0.
  Devices make_certificates(std::uint8_t generation) {
    Devices devices;
    for (std::size_t i = 0; i < kCertificates; ++i) {
      const std::uint64_t number = random_() % devices_;
      std::vector<std::uint8_t> identifier(32);
      const auto uuid = uuid_of(number);
      const auto credential = credential_of(number, generation);
      std::copy(uuid.bytes.begin(), uuid.bytes.end(), identifier.begin());
      std::copy(credential.bytes.begin(), credential.bytes.end(), identifier.begin() + 16);
      auto device = std::make_unique<Device>();
      device->id = name_of(number);
      device->username = "hub/" + device->id + "/?api-version=2021-04-12";
      device->certificate = hub::gate::test::make_certificate({device->id}, {identifier});
      device->verdict.anchor = world_.gate.anchor_of(world_.ca.get());
      devices.push_back(std::move(device));
    }
    return devices;
  }

  void make_signature() {
    message_ = std::vector<std::uint8_t>(32, 7);
    key_.reset(EVP_EC_gen("P-256"));
    signature_.resize(128);
    std::size_t size = signature_.size();
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get());
    EVP_DigestSign(context.get(), signature_.data(), &size, message_.data(), message_.size());
    signature_.resize(size);
  }

  Gate::Answer connect(Device& device) {
    auto leaf = hub::gate::read_leaf(device.certificate.get(), hub::gate::LeafDigest::kNone);
    leaf.verdict = &device.verdict;
    ConnectRequest request;
    request.client = &device.handle;
    request.client_id = device.id;
    request.username = device.username;
    request.peer = "127.0.0.1";
    request.protocol_version = 4;
    request.leaf = &leaf;
    return world_.gate.on_connect(request);
  }

  // 64 neighbours in the list, who are strangers in the table, as a handshake leaves them.
  std::span<const std::unique_ptr<Device>> next_round(const Devices& devices) {
    const std::size_t first = random_() % (devices.size() / kRound) * kRound;
    const auto round = std::span(devices).subspan(first, kRound);
    for (const auto& device : round) {
      device->verdict.complete = true;
      device->verdict.used = false;
      (void)hub::gate::read_leaf(device->certificate.get());
    }
    return round;
  }

  void refuse_round(const Devices& devices, Verdicts& found) {
    const auto round = next_round(devices);
    const auto begin = Clock::now();
    for (const auto& device : round) found.wrong += connect(*device) == Gate::Answer::kRefuse ? 0 : 1;
    found.verdict_ns.push_back(1e9 * seconds(begin, Clock::now()) / kRound);
    pass();
  }

  void admit_round(const Devices& devices, Verdicts& found) {
    const auto round = next_round(devices);
    const auto begin = Clock::now();
    for (const auto& device : round) found.wrong += connect(*device) == Gate::Answer::kAccept ? 0 : 1;
    const auto admitted = Clock::now();
    for (const auto& device : round) world_.gate.on_disconnect(&device->handle);
    world_.gate.on_tick();
    const auto over = Clock::now();
    found.admission_ns.push_back(1e9 * seconds(begin, admitted) / kRound);
    found.life_ns.push_back(1e9 * seconds(begin, over) / kRound);
    pass();
  }

  // The broker's loop goes round, and what the gate said is gone.
  void pass() {
    world_.gate.on_tick();
    world_.host.published.clear();
    world_.host.boot += 1000;
  }

  double verify() {
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    const auto begin = Clock::now();
    EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get());
    EVP_DigestVerify(context.get(), signature_.data(), signature_.size(), message_.data(), message_.size());
    return seconds(begin, Clock::now());
  }

  const std::uint64_t devices_;
  hub::gate::test::World world_;
  std::uint64_t number_ = 0;
  std::mt19937_64 random_{20261121};
  hub::gate::test::KeyPtr key_;
  std::vector<std::uint8_t> message_, signature_;
};

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  using namespace latchkey::bench;
  const std::uint64_t devices = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  if (devices == 0) {
    std::fprintf(stderr, "usage: bench_gate [DEVICES]\n");
    return 2;
  }
  GateBench bench(devices);
  const double snapshot = bench.take_snapshot();
  const double single = bench.take_increments(1);
  const double batched = bench.take_increments(kSnapshotBatch);
  const auto verdicts = bench.decide();

  Report report("gate", "ec-p256");
  report.version("openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
  const double verdict = median(verdicts.verdict_ns);
  const auto add_row = [&report](const std::string& what, const std::vector<double>& ns) {
    report.row({{"what", what}, {"p50 ns", median(ns)}, {"p99 ns", percentile(ns, 0.99)}});
  };
  add_row("verdict: certificate, table, checks, record", verdicts.verdict_ns);
  add_row("verdict and admission", verdicts.admission_ns);
  add_row("the same, the session's end, and both sent to the hub process", verdicts.life_ns);
  add_row("one ECDSA verification beside it", verdicts.verify_ns);
  report.check("devices in the table", static_cast<double>(devices), "devices");
  report.check("verdict", verdict / 1000, "us", Goal::kBelow, 1.5);
  report.check("verdict over one ECDSA verification", verdict / median(verdicts.verify_ns), "ratio");
  report.check("verdicts that were wrong", static_cast<double>(verdicts.wrong), "connects", Goal::kAtMost, 0);
  report.check("snapshot into the gate", snapshot, "s", Goal::kBelow, 1);
  report.check("increments, one in a batch", single, "1/s", Goal::kAtLeast, 200'000);
  report.check("increments, a thousand in a batch", batched, "1/s", Goal::kAtLeast, 200'000);
  return report.finish() ? 0 : 1;
}
