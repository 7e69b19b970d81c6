// SPDX-License-Identifier: Apache-2.0
// Performs an Updater's actions on a firmware store, keeps the hub's statements, and tells the machine what came of it.
// Where bytes come from, and what a restart is, is the board's (UpdateHost).
//
// One thread. An UpdateHost does not call back from within its functions: it takes note and calls later.
#pragma once

#include "agent/update/statement_store.h"
#include "agent/update/updater.h"
#include "platform/ports/clock.h"

namespace latchkey::agent {

class UpdateHost {
 public:
  virtual ~UpdateHost() = default;
  // Bytes of that bundle, from `at` on: some or all of them, to on_bytes(); none when the bundle has no more.
  virtual void fetch(const OfferId& offer, std::uint64_t at, std::size_t length) = 0;
  // Through the boot loader. The driver asks for nothing more.
  virtual void restart() = 0;
  virtual void on_report(const UpdateReport& report) = 0;
};

struct UpdateRoom {
  UpdaterRoom updater;
  StatementStore::Room statements;
};

class UpdateDriver {
 public:
  struct Ports {
    ports::FirmwareStore& store;
    const ports::Clock& clock;
    UpdateHost& host;
    UpdateRoom& room;
  };

  // All of them outlive the driver. crypto::init() was called before.
  UpdateDriver(const UpdateConfig& config, const Ports& ports)
      : config_(config),
        ports_(ports),
        updater_(config, ports.room.updater),
        statements_(ports.store, config.statement_key, ports.room.statements) {}

  // Reads what is kept, and goes on where the last start ended. Once.
  void start();

  void on_offer(const OfferId& offer, std::uint64_t bundle_size);
  void on_withdrawn(const OfferId& offer);
  void on_bytes(std::uint64_t at, ByteView bytes);
  // The last fetch failed, or the connection was lost: asks anew.
  void fetch_again();
  // Connected with its identity.
  void on_healthy();
  // The wall clock was set.
  void on_clock();
  // As StatementStore::offer; what runs is judged by it at once.
  Result<StatementKind> on_statement(ByteView text);

  const Updater& updater() const { return updater_; }
  const StatementStore& statements() const { return statements_; }

 private:
  void take(const UpdateEvent& event);
  // True when kDone follows.
  bool perform(const UpdateAction& action, UpdateEvent& result);
  UpdateKnowledge known() const;

  const UpdateConfig& config_;
  Ports ports_;
  Updater updater_;
  StatementStore statements_;
};

}  // namespace latchkey::agent
