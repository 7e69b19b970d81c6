// SPDX-License-Identifier: Apache-2.0
// Firmware updates of a host that plays a device: whose firmware it takes, read from files, and two slots below its
// state folder (platform/posix/firmware_store.h). The program stays what it is; what "runs" is the image in a slot, a
// file. A restart is the process starting itself again, which makes the slots' boot loader choose. Loop's thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/update/session.h"
#include "boards/host/options.h"
#include "platform/posix/firmware_store.h"

namespace latchkey::boards::host {

class Updates final : public agent::UpdateObserver {
 public:
  struct Ports {
    ports::MqttLink& link;
    const ports::Clock& clock;
    ports::Entropy& entropy;
  };
  using Log = std::function<void(const std::string& line)>;

  // Null when the options do not ask for updates, and after a mistake, which `problem` then says in one sentence. The
  // ports outlive it.
  static std::unique_ptr<Updates> open(const Options& options, const Ports& ports, Log log, std::string& problem);

  agent::UpdateSession& session() { return *session_; }
  const agent::UpdateSession& session() const { return *session_; }
  bool restart_wanted() const { return restart_wanted_; }

 private:
  Updates(const Options& options, Log log);
  bool read_trust(std::string& problem);
  bool open_store(std::string& problem);

  void on_update(const agent::UpdateReport& report) override;
  void on_statement(const Result<agent::StatementKind>& taken) override;
  void on_restart() override { restart_wanted_ = true; }

  using Bytes = std::vector<std::uint8_t>;
  const Options& options_;
  const Log log_;
  // What the configuration points into.
  std::vector<Bytes> ders_;
  std::vector<ByteView> signing_roots_;
  std::vector<ByteView> timestamp_roots_;
  agent::UpdateConfig config_;
  std::unique_ptr<posix::PosixFirmwareStore> store_;
  agent::UpdateRoom room_;
  std::unique_ptr<agent::UpdateSession> session_;
  bool restart_wanted_ = false;
};

// The content octets of a dotted object identifier; empty for anything else.
std::vector<std::uint8_t> oid_octets(const std::string& dotted);

}  // namespace latchkey::boards::host
