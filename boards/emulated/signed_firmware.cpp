// SPDX-License-Identifier: Apache-2.0
#include <iterator>
#include <optional>

#include "agent/update/driver.h"
#include "boards/emulated/device.h"
#include "boards/emulated/figures.h"
#include "boards/emulated/firmware.h"
#include "platform/flash/firmware_store.h"
#include "platform/semihosting/file_flash.h"
#include "platform/semihosting/semihosting.h"

namespace latchkey::boards::emulated {
namespace {

using semihosting::File;
using semihosting::Mode;

constexpr std::size_t kSlotSize = std::size_t{256} * 1024;
constexpr std::string_view kBoardName = "latchkey-emulated-1";
constexpr agent::OfferId kTheOffer = {1};  // there is one bundle

// What a device is given when it is onboarded, as files of the folder: DER of two roots and of the statement key, the
// octets of one durable EKU.
class Trust {
 public:
  // The name of the file that is missing or too large; null when all were read.
  const char* load() {
    for (std::size_t i = 0; i < std::size(kFiles); ++i) {
      File file(kFiles[i], Mode::kRead);
      if (!file || file.size() > parts_[i].bytes.size()) return kFiles[i];
      parts_[i].size = file.read(parts_[i].bytes);
    }
    return nullptr;
  }
  ByteView signing_root() const { return view(0); }
  ByteView timestamp_root() const { return view(1); }
  ByteView statement_key() const { return view(2); }
  ByteView eku() const { return view(3); }

 private:
  static constexpr const char* kFiles[] = {"signing-root.der", "timestamp-root.der", "statement-key.der", "eku.oid"};
  struct Part {
    std::array<std::uint8_t, 1536> bytes;
    std::size_t size = 0;
  };
  ByteView view(std::size_t part) const { return ByteView(parts_[part].bytes).subview(0, parts_[part].size); }

  Part parts_[std::size(kFiles)];
};

// The board's part in updates: a bundle that is a file, a restart that is the end of the emulator, reports in the log.
class Firmware final : public agent::UpdateHost {
 public:
  Firmware(Narrator& narrator, const ports::Clock& clock, std::uint64_t (*instructions)())
      : narrator_(narrator),
        instructions_(instructions),
        flash_("firmware.bin", flash::FlashFirmwareStore::region_size(kSlotSize)),
        store_(flash_, kSlotSize),
        bundle_("bundle.bin", Mode::kRead),
        clock_(clock) {}

  void start();
  bool poll();
  void healthy() {
    if (driver_) driver_->on_healthy();
  }

  void fetch(const agent::OfferId&, std::uint64_t at, std::size_t length) override {
    wanted_at_ = at;
    wanted_ = length;
  }
  void restart() override { restart_wanted_ = true; }
  void on_report(const agent::UpdateReport& report) override;

 private:
  void take_statement();

  Narrator& narrator_;
  std::uint64_t (*instructions_)();
  semihosting::FileFlash flash_;
  flash::FlashFirmwareStore store_;
  File bundle_;
  const ports::Clock& clock_;
  Trust trust_;
  std::array<ByteView, 2> roots_;
  agent::UpdateConfig config_;
  agent::UpdateRoom room_;
  std::optional<agent::UpdateDriver> driver_;  // once there is trust to go by
  std::array<std::uint8_t, agent::Statement::kSizeMax> piece_{};
  std::optional<std::uint64_t> wanted_at_;
  std::size_t wanted_ = 0;
  std::uint64_t spent_ = 0;  // instructions in the driver, for this bundle
  bool restart_wanted_ = false;
};

void Firmware::start() {
  if (!flash_.usable()) return narrator_.say("firmware: no firmware.bin, no updates");
  if (const char* missing = trust_.load()) {
    std::array<std::uint8_t, 96> text;
    const auto line = agent::TextWriter(text).put("firmware: missing or too large: ").put(missing).finish();
    give_up(narrator_, line.value_or("firmware"));
  }
  if (!store_.start()) give_up(narrator_, "firmware: firmware.bin cannot be read");
  roots_ = {trust_.signing_root(), trust_.timestamp_root()};
  config_.board = kBoardName;
  config_.factory_version = {1, 0, 0};
  config_.signing_roots = &roots_[0];
  config_.timestamp_roots = &roots_[1];
  config_.signing_root_count = config_.timestamp_root_count = 1;
  config_.pins.add(trust_.eku());
  config_.statement_key = trust_.statement_key();
  narrator_.say(store_.boot().running == ports::FirmwareSlot::kA ? "firmware: slot A" : "firmware: slot B");
  driver_.emplace(config_, agent::UpdateDriver::Ports{store_, clock_, *this, room_});
  driver_->start();
  take_statement();
  if (bundle_) driver_->on_offer(kTheOffer, bundle_.size());
}

void Firmware::take_statement() {
  File file("statement.bin", Mode::kRead);
  if (!file || file.size() > piece_.size()) return;
  const std::size_t size = file.read(piece_);
  if (!driver_->on_statement(ByteView(piece_).subview(0, size))) narrator_.say("firmware: the statement is refused");
}

bool Firmware::poll() {
  if (restart_wanted_) {
    narrator_.say("firmware: restarting");
    semihosting::exit(0);
  }
  if (!wanted_at_) return false;
  const std::uint64_t at = *wanted_at_;
  wanted_at_.reset();
  const MutableBytes piece = MutableBytes(piece_).subview(0, wanted_);
  const std::size_t size = bundle_.seek(static_cast<std::size_t>(at)) ? bundle_.read(piece) : 0;
  const std::uint64_t before = instructions_();
  driver_->on_bytes(at, ByteView(piece_).subview(0, size));
  spent_ += instructions_() - before;
  return true;
}

void Firmware::on_report(const agent::UpdateReport& report) {
  std::array<std::uint8_t, 192> text;
  agent::TextWriter line(text);
  line.put("firmware: ").put(agent::name_of(report.kind)).put(' ');
  line.put_decimal(report.version.major).put('.').put_decimal(report.version.minor).put('.');
  line.put_decimal(report.version.patch).put(' ').put(agent::name_of(report.reason));
  line.put(" instructions=").put_decimal(spent_).put(" heap_peak=").put_decimal(heap_figures().peak);
  line.put(" stack_peak=").put_decimal(stack_peak()).put(" flash_writes=").put_decimal(store_.writes());
  if (const auto said = line.finish()) narrator_.say(*said);
}

Firmware* g_firmware = nullptr;

}  // namespace

void start_firmware(Narrator& narrator, const ports::Clock& clock, std::uint64_t (*instructions)()) {
  static Firmware firmware(narrator, clock, instructions);
  g_firmware = &firmware;
  firmware.start();
}

bool poll_firmware() { return g_firmware->poll(); }

void firmware_is_healthy() { g_firmware->healthy(); }

}  // namespace latchkey::boards::emulated
