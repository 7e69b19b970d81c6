// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/end_signals.h"

#include <pthread.h>
#include <signal.h>

namespace latchkey::hub::app {

EndSignals::EndSignals() {
  sigset_t ends;
  sigemptyset(&ends);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ends, number);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  thread_ = std::thread([this, ends] {
    int number = 0;
    sigwait(&ends, &number);
    end_.request_stop();
  });
}

EndSignals::~EndSignals() {
  if (!thread_.joinable()) return;
  ::pthread_kill(thread_.native_handle(), SIGTERM);  // to that thread alone: it waits in vain
  thread_.join();
}

}  // namespace latchkey::hub::app
