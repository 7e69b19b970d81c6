// SPDX-License-Identifier: Apache-2.0
// Firmware updates over a device's own session, with the power failing during each change of the firmware store: before
// it, in the middle of it, and after it. Answers are lost, sessions break. What has to hold after each cut:
//
//   1. What is run is whole: an image that was signed, or the one that the device came with.
//   2. The device comes to life, and the update ends as it would have ended.
//   3. The next restart is a plain one: the same image, and nothing is written.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "tests/sweep/firmware_rig.h"
#include "tests/sweep/sweep.h"

namespace latchkey::sweep {
namespace {

using agent::test::FirmwareWorld;
using Bytes = FirmwareRig::Bytes;

constexpr unsigned kMostChanges = 300;  // a scenario that never ends is a fault

// Signed once for all runs.
struct Release {
  FirmwareWorld world;
  agent::test::Certified leaf = world.leaf();
  Bytes image = Bytes(19 * ports::FirmwareStore::kBlockSize + 77, 0x42);  // long enough for a record of progress
  agent::firmware::BundleId digest = digest_of(image);
  Bytes bundle = sign();
  Bytes nothing_revoked = world.revocation_statement();
  Bytes leaf_revoked = world.revocation_statement({{agent::test::revoked(leaf, agent::test::kStart)}, {}, {}}, 2);

  Bytes sign() {
    agent::test::Release release;
    release.image = image;
    return world.bundle(leaf, release);
  }
  static agent::firmware::BundleId digest_of(const Bytes& bytes) {
    agent::firmware::BundleId digest{};
    test::require(crypto::sha256(bytes, digest).has_value(), "sha256");
    return digest;
  }
  static Release& shared() {
    static Release made;
    return made;
  }
};

// A device that is live, and has heard what is revoked.
void go_live(FirmwareRig& rig) {
  rig.firmware.state_revocations(Release::shared().nothing_revoked, 1, nullptr);
  rig.start();
  test::require(rig.run_until([&] { return rig.live() && rig.summary().revocations == 1; }), "the device is not live");
}

void publish(FirmwareRig& rig, bool patient) {
  Release& release = Release::shared();
  rig.firmware.publish(release.bundle, release.digest, patient);
}

// The campaign reaches the device with its next hello.
bool update(FirmwareRig& rig) {
  if (rig.link().at_hub()) rig.link().cut();
  return rig.run_until([&] { return rig.settled_on(Release::shared().image) && rig.firmware.runs_ours(); });
}

void go_live_before_an_update(FirmwareRig& rig) {
  go_live(rig);
  publish(rig, true);
}

// The new image does not get connected.
void go_live_before_a_bad_update(FirmwareRig& rig) {
  go_live(rig);
  publish(rig, false);
  rig.hub.manners.admission = [&rig](bool) {
    const bool on_trial = rig.store.boot().trial == ports::FirmwareTrial::kRunning;
    return Verdict{!on_trial, ports::LinkFailure::kUnreachable, 0};
  };
}

bool update_and_revert(FirmwareRig& rig) {
  if (rig.link().at_hub()) rig.link().cut();
  return rig.run_until([&] { return rig.settled_on(rig.factory) && rig.firmware.heard("reverted") > 0; });
}

void be_updated(FirmwareRig& rig) {
  go_live_before_an_update(rig);
  test::require(update(rig), "the update does not succeed");
}

// Back to the factory's image; if that trial was cut short, what is revoked runs on and says so.
bool go_back(FirmwareRig& rig) {
  rig.firmware.publish({}, {}, false);
  rig.firmware.state_revocations(Release::shared().leaf_revoked, 2, &rig.link());
  return rig.run_until([&] {
    return (rig.settled_on(rig.factory) && rig.firmware.runs_factory()) ||
           (rig.settled_on(Release::shared().image) && rig.firmware.heard("noWayBack") > 0);
  });
}

struct FirmwareScenario {
  const char* name;
  void (*prepare)(FirmwareRig&);
  bool (*play)(FirmwareRig&);  // and again after a cut
  const char* told;            // what the hub has to have heard unless the power failed
};

constexpr FirmwareScenario kScenarios[] = {
    {"update", go_live_before_an_update, update, "confirmed"},
    {"update that is not confirmed", go_live_before_a_bad_update, update_and_revert, "reverted"},
    {"going back after a revocation", be_updated, go_back, "revoked"},
};

class FirmwareSweep : public testing::TestWithParam<FirmwareScenario> {
 protected:
  static bool whole(FirmwareRig& rig) { return rig.runs(rig.factory) || rig.runs(Release::shared().image); }

  // After the cut, or the end.
  static void judge(FirmwareRig& rig) {
    EXPECT_TRUE(whole(rig));
    EXPECT_EQ(rig.firmware.malformed(), 0u);
    const unsigned changes = rig.store.changes();
    const auto running = rig.store.boot().running;
    const unsigned hellos = rig.firmware.heard("hello");
    rig.start();
    EXPECT_TRUE(rig.run_until([&] { return rig.live() && rig.firmware.heard("hello") > hellos; }));
    rig.run_until([] { return false; }, kHourMs);
    EXPECT_EQ(rig.store.boot().running, running) << "a plain restart runs something else";
    EXPECT_EQ(rig.store.changes(), changes) << "a plain restart wrote to the firmware store";
  }

  // The number of cuts until the scenario went through without one.
  static unsigned sweep(const FirmwareScenario& scenario, sim::Cut how) {
    for (unsigned change = 1;; ++change) {
      SCOPED_TRACE(std::string(scenario.name) + ", cut at change " + std::to_string(change) + ", way " +
                   std::to_string(static_cast<int>(how)));
      FirmwareRig rig(Release::shared().world);
      scenario.prepare(rig);
      rig.store.cut_power_at(rig.store.changes() + change, how);
      const bool ended = scenario.play(rig);
      const bool cut = !rig.store.has_power();
      if (cut) {
        rig.stop();
        rig.start();
        EXPECT_TRUE(whole(rig));
        EXPECT_TRUE(scenario.play(rig)) << "it does not end after the cut";
      } else {
        EXPECT_TRUE(ended) << "the scenario does not end";
        EXPECT_TRUE(rig.run_until([&] { return rig.firmware.heard(scenario.told) > 0; })) << scenario.told;
      }
      judge(rig);
      if (!cut || HasFailure()) return change - 1;
      if (change == kMostChanges) {
        ADD_FAILURE() << "it never ends";
        return change;
      }
    }
  }
};

TEST_P(FirmwareSweep, power_cuts_lose_no_device) {
  unsigned cuts = 0;
  for (const sim::Cut how : {sim::Cut::kBefore, sim::Cut::kTorn, sim::Cut::kAfter}) {
    if (!HasFailure()) cuts += sweep(GetParam(), how);
  }
  EXPECT_GE(cuts, 12u);
  std::printf("sweep: firmware: %s: %u changes of the firmware store, %u power cuts\n", GetParam().name, cuts / 3,
              cuts);
}

INSTANTIATE_TEST_SUITE_P(Scenarios, FirmwareSweep, testing::ValuesIn(kScenarios), [](const auto& row) {
  std::string name(row.param.name);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

}  // namespace
}  // namespace latchkey::sweep
