package delivery_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/delivery"
)

// observer keeps what it is told.
type observer struct {
	mu       sync.Mutex
	attempts []delivery.AttemptReport
	circuit  strings.Builder
	proxy    strings.Builder
	paused   []string
	lost     int
	failed   []string
	forwards []delivery.Reason
}

func (o *observer) AttemptEnded(r delivery.AttemptReport) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.attempts = append(o.attempts, r)
}

func (o *observer) ForwardEnded(_, _ string, r delivery.Reason, _ time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forwards = append(o.forwards, r)
}

func (o *observer) CircuitChanged(_ string, open bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.circuit.WriteString(map[bool]string{true: "open ", false: "closed "}[open])
}

func (o *observer) PauseChanged(lane string, wholeGateway, paused bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.paused = append(o.paused, fmt.Sprint(lane, " ", wholeGateway, " ", paused))
}

func (o *observer) ProxyChanged(failing bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.proxy.WriteString(map[bool]string{true: "fails ", false: "works "}[failing])
}

func (o *observer) LeaseLost(string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost++
}

func (o *observer) StoreFailed(operation string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed = append(o.failed, operation)
}

// ended counts the attempts.
func (o *observer) ended() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.attempts)
}

func (o *observer) proxies() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.proxy.String()
}

func (o *observer) pauses() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.paused, ", ")
}

func (o *observer) circuits() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.circuit.String()
}

func (o *observer) failures() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.failed)
}
