package sim

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/hack/d1sim/conform"
)

// recorder gathers what the workers report.
type recorder struct {
	onCall func(Call)

	mu         sync.Mutex
	calls      map[conform.Operation]map[int]int
	retries    int
	tokens     int
	sent       int
	violations map[ViolationCount]int
	unexpected map[UnexpectedEnd]int
	latencies  []time.Duration
}

func newRecorder(onCall func(Call)) *recorder {
	return &recorder{
		onCall:     onCall,
		calls:      map[conform.Operation]map[int]int{},
		violations: map[ViolationCount]int{},
		unexpected: map[UnexpectedEnd]int{},
	}
}

func (r *recorder) call(call Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls[call.Operation] == nil {
		r.calls[call.Operation] = map[int]int{}
	}
	r.calls[call.Operation][call.Status]++
	if call.Attempt > 1 {
		r.retries++
	}
	for _, violation := range call.Violations {
		r.violations[ViolationCount{Operation: call.Operation, Status: call.Status, Violation: violation}]++
	}
	if call.Operation == conform.Notify && call.Status != 0 {
		r.latencies = append(r.latencies, call.Latency)
	}
	if r.onCall != nil {
		r.onCall(call)
	}
}

func (r *recorder) tokenEnded(answer conform.Answer, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && answer.Status == http.StatusOK {
		r.tokens++
	}
	r.ended(conform.Token, answer, err, http.StatusOK)
}

func (r *recorder) notificationEnded(answer conform.Answer, err error, expect int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent++
	r.ended(conform.Notify, answer, err, expect)
}

func (r *recorder) ended(operation conform.Operation, answer conform.Answer, err error, expect int) {
	switch {
	case errors.Is(err, context.Canceled): // the caller ended the run
	case err != nil:
		r.unexpected[UnexpectedEnd{Operation: operation, Reason: reason(err)}]++
	case answer.Status != expect:
		r.unexpected[UnexpectedEnd{Operation: operation, Status: answer.Status}]++
	}
}

// reason shortens an error to what repeats: ephemeral ports and paths would make every
// failure look like a new one.
func reason(err error) string {
	var operation *net.OpError
	var wrapped *url.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.As(err, &operation):
		return operation.Op + ": " + operation.Err.Error()
	case errors.As(err, &wrapped):
		return wrapped.Err.Error()
	}
	return err.Error()
}
