// SPDX-License-Identifier: Apache-2.0
#include <iterator>
#include <optional>

#include "agent/story/update_text.h"
#include "agent/update/session.h"
#include "boards/emulated/device.h"
#include "boards/emulated/figures.h"
#include "boards/emulated/firmware.h"
#include "platform/flash/firmware_store.h"
#include "platform/semihosting/file_flash.h"
#include "platform/semihosting/semihosting.h"

namespace latchkey::boards::emulated {
namespace {

constexpr std::size_t kSlotSize = std::size_t{256} * 1024;
constexpr std::string_view kBoardName = "latchkey-emulated-1";

// What a device is given when it is onboarded, as files of the folder: DER of two roots and of the statement key, the
// octets of one durable EKU.
class Trust {
 public:
  // The name of the file that is missing or too large; null when all were read.
  const char* load() {
    for (std::size_t i = 0; i < std::size(kFiles); ++i) {
      semihosting::File file(kFiles[i], semihosting::Mode::kRead);
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

// The board's part in updates: trust and slots that are files, reports in the log. It hears the link first, to count
// what a bundle costs.
class Firmware final : public agent::UpdateObserver, public ports::MqttLinkEvents {
 public:
  Firmware(agent::Narrator& narrator, const FirmwarePorts& ports)
      : narrator_(narrator),
        ports_(ports),
        flash_("firmware.bin", flash::FlashFirmwareStore::region_size(kSlotSize)),
        store_(flash_, kSlotSize) {}

  // False without firmware.bin.
  bool open();
  agent::UpdateSession& session() { return *session_; }
  void start(ports::MqttLinkEvents& core);
  void poll() {
    if (session_->wake_at() <= ports_.clock.monotonic()) session_->on_timer();
  }
  bool wants_restart() const { return restart_wanted_; }

  void on_connected(bool session_present) override { session_->on_connected(session_present); }
  void on_ended(ports::LinkFailure why, int detail) override { session_->on_ended(why, detail); }
  void on_subscribed(bool granted) override { session_->on_subscribed(granted); }
  void on_published() override { session_->on_published(); }
  void on_message(std::string_view topic, ByteView payload) override {
    const std::uint64_t before = ports_.instructions();
    session_->on_message(topic, payload);
    spent_ += ports_.instructions() - before;
  }

 private:
  void on_update(const agent::UpdateReport& report) override;
  void on_statement(const Result<agent::StatementKind>& taken) override;
  void on_restart() override { restart_wanted_ = true; }

  agent::Narrator& narrator_;
  const FirmwarePorts ports_;
  semihosting::FileFlash flash_;
  flash::FlashFirmwareStore store_;
  Trust trust_;
  std::array<ByteView, 2> roots_;
  agent::UpdateConfig config_;
  agent::UpdateRoom room_;
  std::optional<agent::UpdateSession> session_;  // once there is trust to go by
  std::uint64_t spent_ = 0;                      // instructions with the hub's messages since power-on
  bool restart_wanted_ = false;
};

bool Firmware::open() {
  if (!flash_.usable()) {
    narrator_.say("firmware: no firmware.bin, no updates");
    return false;
  }
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
  session_.emplace(config_, agent::ConversationConfig(),
                   agent::UpdateSession::Ports{ports_.link, store_, ports_.clock, ports_.entropy, room_}, *this);
  return true;
}

void Firmware::start(ports::MqttLinkEvents& core) {
  session_->serve(core);
  session_->start();
}

void Firmware::on_update(const agent::UpdateReport& report) {
  std::array<std::uint8_t, 192> text;
  agent::TextWriter line(text);
  line.put("firmware: ").put(agent::name_of(report.kind)).put(' ');
  agent::put_version(line, report.version);
  line.put(' ').put(agent::name_of(report.reason));
  line.put(" instructions=").put_decimal(spent_).put(" heap_peak=").put_decimal(heap_figures().peak);
  line.put(" stack_peak=").put_decimal(stack_peak()).put(" flash_writes=").put_decimal(store_.writes());
  if (const auto said = line.finish()) narrator_.say(*said);
}

void Firmware::on_statement(const Result<agent::StatementKind>& taken) {
  std::array<std::uint8_t, 128> text;
  agent::TextWriter line(text);
  line.put("firmware: ");
  agent::put_statement(line, taken, session_->summary());
  if (const auto said = line.finish()) narrator_.say(*said);
}

Firmware* g_firmware = nullptr;

}  // namespace

ports::MqttLink& shared_link(agent::Narrator& narrator, const FirmwarePorts& ports) {
  static Firmware firmware(narrator, ports);
  if (!firmware.open()) return ports.link;
  g_firmware = &firmware;
  return firmware.session();
}

ports::MqttLinkEvents& heard_before(ports::MqttLinkEvents& core) {
  if (g_firmware == nullptr) return core;
  g_firmware->start(core);
  return *g_firmware;
}

void poll_firmware() {
  if (g_firmware != nullptr) g_firmware->poll();
}

bool firmware_wants_restart() { return g_firmware != nullptr && g_firmware->wants_restart(); }

}  // namespace latchkey::boards::emulated
