// SPDX-License-Identifier: Apache-2.0
// A wave of devices that provision: full conversations over MQTT and TLS (connect, subscribe, register with a CSR,
// poll, chain), any number of them at one time, from one thread. A device does as it is told: it stays away for as long
// as retry-after says and up to a fifth longer, and backs off from 1 s, doubling, when a connection comes to nothing.
// Devices may stay connected when they are done, and register again over the connection that they have: a wave without
// handshakes.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/hub.h"

namespace latchkey::bench {

struct WaveDevice {
  std::string id;
  std::string username;
  std::string password;
  std::string register_body;
};
// Devices of an enrollment group that share one key, each with a CSR of its own.
std::vector<WaveDevice> make_wave(const tests::Hub& hub, const std::string& prefix, std::size_t count,
                                  const std::string& group_key = {});

struct WavePlan {
  std::size_t at_once = 0;  // as soon as one is done the next begins; 0: by `per_second`
  double per_second = 0;    // so many begin, whatever becomes of those before them
  double seconds = 0;       // of beginning; with `per_second` all devices begin, however late the client is
  bool drain = false;       // goes on until all who began are done, or `patience_s` more have passed
  double patience_s = 120;
  bool stay = false;  // who is done stays connected, until the Wave goes
};

struct WaveFigures {
  std::vector<double> done_s;         // of each that got its chain, from the start of the run, in order
  std::vector<double> took_s;         // the same conversations, from the first connect on
  std::vector<std::uint32_t> told_s;  // what 429 asked for
  std::size_t begun = 0;
  std::size_t refused = 0;  // CONNACK other than 0, or a result without a chain
  std::size_t broken = 0;   // connections that ended, or kept silent, before they were done; tried again
  std::size_t left = 0;     // not done at the end
  std::size_t polls = 0;    // that were sent
  double begun_s = 0;       // when the last began
  double seconds = 0;       // until the last was done, or the end
  // Of those done from `from_s` to `to_s`, a second.
  double per_second(double from_s, double to_s) const;
};

class Wave {
 public:
  explicit Wave(const tests::Hub& hub);
  ~Wave();
  // Takes devices from `devices` in turn, from `next` on, each once; ends early when there are no more.
  // They outlive the Wave if they stay.
  WaveFigures run(const std::vector<WaveDevice>& devices, std::size_t& next, const WavePlan& plan);
  // Those that stayed register again, whoever is idle for longest first, and as often as their turn comes; they stay.
  WaveFigures again(const WavePlan& plan);
  // How many stayed.
  std::size_t stayed() const;

 private:
  class Run;
  std::unique_ptr<Run> stayed_;  // made by the first run() with `stay`
  std::string host_;
  int port_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
};

}  // namespace latchkey::bench
