// Package sim plays Thales D1: it asks for an access token, announces token updates at
// a given rate, repeats what the contract calls retryable, and judges every answer.
//
// It is the library behind the d1sim command, for tests and demonstrations.
package sim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/hack/d1sim/conform"
)

// Run sends the notifications of config and returns when each has come to its end.
//
// What the gateway does wrong is in the Summary and not an error. Run fails with ErrConfig
// when config cannot be used, and with the error of ctx when that ended the run early; the
// Summary then covers what was done.
func Run(ctx context.Context, config Config) (Summary, error) {
	config, err := config.prepare()
	if err != nil {
		return Summary{}, err
	}
	checker, err := conform.NewChecker(config.Dialect)
	if err != nil {
		return Summary{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if config.TokenPath == "" {
		config.TokenPath = checker.TokenPath()
	}
	recorder := newRecorder(config.OnCall)
	caller := newCaller(config, checker, recorder.call)
	defer caller.client.CloseIdleConnections()
	sender := &notifier{
		caller:    caller,
		tokens:    newTokens(config, caller, recorder),
		baseURL:   config.BaseURL,
		gatewayID: config.GatewayID,
		expect:    config.Expect,
	}
	start := time.Now()
	// The first token comes before the schedule starts: its cost is not the notifications',
	// and without it there is nothing to start.
	if _, err := sender.bearer(ctx); err == nil {
		start = time.Now()
		dispatch(ctx, config, sender, recorder)
	}
	return recorder.summary(time.Since(start)), ctx.Err()
}

func newTokens(config Config, caller *caller, recorder *recorder) *tokenSource {
	if config.ClientID == "" {
		return nil
	}
	client := &tokenClient{
		caller:   caller,
		url:      config.BaseURL + config.TokenPath,
		clientID: config.ClientID,
		secret:   config.ClientSecret,
		scope:    config.Scope,
		ended:    recorder.tokenEnded,
	}
	return &tokenSource{fetch: client.fetch}
}

// dispatch hands the notifications to its workers, each at its time. When all workers are
// busy it falls behind rather than pile up: the rate in the Summary tells.
func dispatch(ctx context.Context, config Config, sender *notifier, recorder *recorder) {
	sending, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if config.Duration > 0 {
		var cancel context.CancelFunc
		sending, cancel = context.WithTimeout(sending, config.Duration)
		defer cancel()
	}
	work := make(chan notification)
	var workers sync.WaitGroup
	for range config.Concurrency {
		workers.Go(func() {
			for what := range work {
				answer, err := sender.send(ctx, what)
				if errors.Is(err, errNoToken) {
					stop(err) // already counted as the end of the token call
					continue
				}
				if ctx.Err() == nil {
					recorder.notificationEnded(answer, err, config.Expect)
				}
			}
		})
	}
	schedule(sending, config, work)
	close(work)
	workers.Wait()
}

func schedule(ctx context.Context, config Config, work chan<- notification) {
	start := time.Now()
	for i := 0; config.Count == 0 || i < config.Count; i++ {
		if config.Rate > 0 {
			at := start.Add(time.Duration(float64(i) / config.Rate * float64(time.Second)))
			if err := sleep(ctx, time.Until(at)); err != nil {
				return
			}
		}
		if ctx.Err() != nil {
			return // select picks at random when both are ready
		}
		select {
		case <-ctx.Done():
			return
		case work <- config.notification(i):
		}
	}
}
