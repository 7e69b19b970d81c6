// SPDX-License-Identifier: Apache-2.0
// SIGINT, SIGTERM and SIGHUP as one request to end, heard from the moment on at which this object is made: also while
// the hub starts up.
#pragma once

#include <stop_token>
#include <thread>

namespace latchkey::hub::app {

class EndSignals {
 public:
  // To be made before any other thread: these inherit the mask that keeps the signals for the one that waits here. The
  // mask stays when this object goes.
  EndSignals();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;
  ~EndSignals();

  std::stop_token token() const { return end_.get_token(); }
  // Until one of the signals has come.
  void wait() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::stop_source end_;
  std::thread thread_;
};

}  // namespace latchkey::hub::app
