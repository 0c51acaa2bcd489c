package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/d1gateway/d1gateway/hack/d1sim/conform"
)

// maxAnswer is the most that is read of one body, in bytes. No documented answer comes near.
const maxAnswer = 1 << 20

// Call is one HTTP call that is over.
type Call struct {
	Operation conform.Operation
	Method    string
	Path      string
	// CorrelationID is what x-correlation-id held. Repetitions of a call share it.
	CorrelationID string
	// Attempt counts from 1 within the repetitions of a call.
	Attempt int
	// Status is 0 when there was no answer; Err says why.
	Status int
	Err    error
	// Latency is from the start of the call to the last byte of its answer.
	Latency    time.Duration
	Violations []conform.Violation
}

// Result is the status, or in short why there is none.
func (c Call) Result() string {
	if c.Err != nil {
		return reason(c.Err)
	}
	return strconv.Itoa(c.Status)
}

// caller makes calls, judges their answers and repeats them as the contract allows.
type caller struct {
	client       *http.Client
	checker      *conform.Checker
	record       func(Call)
	timeout      time.Duration
	maxRetries   int
	maxRetryWait time.Duration
}

// request makes the HTTP request of a call afresh for each repetition.
type request struct {
	operation     conform.Operation
	correlationID string
	expect        int
	build         func(context.Context) (*http.Request, error)
}

func newCaller(config Config, checker *conform.Checker, record func(Call)) *caller {
	return &caller{
		client: &http.Client{
			Transport: config.Transport,
			// D1 documents no redirect, so one is an answer to judge.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		checker:      checker,
		record:       record,
		timeout:      config.Timeout,
		maxRetries:   config.MaxRetries,
		maxRetryWait: config.MaxRetryWait,
	}
}

// send makes the call and repeats it while the answer is 503, the only status that the
// documents call retryable. It returns the last answer, or the error that prevented it.
func (c *caller) send(ctx context.Context, r request) (conform.Answer, error) {
	for attempt := 1; ; attempt++ {
		answer, err := c.once(ctx, r, attempt)
		if err != nil || answer.Status != http.StatusServiceUnavailable || answer.Status == r.expect || attempt > c.maxRetries {
			return answer, err
		}
		if err := sleep(ctx, c.retryWait(answer.Header.Get("Retry-After"), attempt)); err != nil {
			return conform.Answer{}, err
		}
	}
}

func (c *caller) once(ctx context.Context, r request, attempt int) (conform.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	httpRequest, err := r.build(ctx)
	if err != nil {
		return conform.Answer{}, fmt.Errorf("making the %s request: %w", r.operation, err)
	}
	httpRequest.Header.Set("X-Correlation-Id", r.correlationID)
	call := Call{
		Operation: r.operation, Method: httpRequest.Method, Path: httpRequest.URL.EscapedPath(),
		CorrelationID: r.correlationID, Attempt: attempt,
	}
	start := time.Now()
	answer, err := c.exchange(httpRequest)
	call.Latency = time.Since(start)
	call.Err = err
	if err == nil {
		call.Status = answer.Status
		call.Violations = c.checker.Check(r.operation, answer)
	}
	c.record(call)
	return answer, err
}

func (c *caller) exchange(r *http.Request) (conform.Answer, error) {
	response, err := c.client.Do(r)
	if err != nil {
		return conform.Answer{}, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if closeErr := response.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return conform.Answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	if len(body) > maxAnswer {
		return conform.Answer{}, errors.New("the answer is larger than 1 MiB")
	}
	return conform.Answer{Status: response.StatusCode, Header: response.Header, Body: body}, nil
}

// retryWait honours Retry-After in seconds (RFC 9110 section 10.2.3) and doubles from
// one second on when the server does not say. Both are bounded.
func (c *caller) retryWait(retryAfter string, attempt int) time.Duration {
	wait := time.Second << min(attempt-1, 10)
	if seconds, err := strconv.ParseUint(retryAfter, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second // #nosec G115 -- parsed as 31 bits
	}
	return min(wait, c.maxRetryWait)
}

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
