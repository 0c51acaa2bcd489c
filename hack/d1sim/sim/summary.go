package sim

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/hack/d1sim/conform"
)

// Summary is what a run amounted to.
type Summary struct {
	// Calls counts HTTP calls, repetitions included, by operation and status; status 0
	// stands for no answer.
	Calls map[conform.Operation]map[int]int
	// Notifications is how many came to an end, expected or not.
	Notifications int
	// Retries counts repetitions after 503, Tokens the access tokens obtained.
	Retries, Tokens int
	// Violations are the departures from the contract, each once with its count.
	Violations []ViolationCount
	// Unexpected are the ends of calls other than the expected ones.
	Unexpected []UnexpectedEnd
	// P50, P99 and Max are latencies of answered notification calls.
	P50, P99, Max time.Duration
	// Elapsed is from the first notification's time to the last answer.
	Elapsed time.Duration
}

// ViolationCount is one violation and how often it was seen.
type ViolationCount struct {
	Operation conform.Operation
	Status    int
	Violation conform.Violation
	Count     int
}

// UnexpectedEnd is a final status, or the reason why there was none, and how often it was seen.
type UnexpectedEnd struct {
	Operation conform.Operation
	Status    int
	Reason    string
	Count     int
}

// Clean says whether every answer conformed and every call ended as expected.
func (s Summary) Clean() bool {
	return len(s.Violations) == 0 && len(s.Unexpected) == 0
}

// Rate is in notifications a second.
func (s Summary) Rate() float64 {
	if s.Elapsed <= 0 {
		return 0
	}
	return float64(s.Notifications) / s.Elapsed.Seconds()
}

// Print writes the summary for people.
func (s Summary) Print(w io.Writer) error {
	var text strings.Builder
	for _, operation := range []conform.Operation{conform.Token, conform.Notify} {
		for _, status := range slices.Sorted(maps.Keys(s.Calls[operation])) {
			fmt.Fprintf(&text, "%-14s %-9s %8d\n", operation, statusText(status), s.Calls[operation][status])
		}
	}
	fmt.Fprintf(&text, "notifications %d in %s, %.1f/s; retries %d; tokens %d\n",
		s.Notifications, s.Elapsed.Round(time.Millisecond), s.Rate(), s.Retries, s.Tokens)
	fmt.Fprintf(&text, "latency p50 %s, p99 %s, max %s\n", round(s.P50), round(s.P99), round(s.Max))
	for _, v := range s.Violations {
		fmt.Fprintf(&text, "violation: %s %s %s (%d times)\n", v.Operation, statusText(v.Status), v.Violation, v.Count)
	}
	for _, u := range s.Unexpected {
		fmt.Fprintf(&text, "unexpected: %s ended with %s (%d times)\n", u.Operation, cmp.Or(u.Reason, statusText(u.Status)), u.Count)
	}
	if s.Clean() {
		text.WriteString("every answer conformed\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func statusText(status int) string {
	if status == 0 {
		return "no answer"
	}
	return strconv.Itoa(status)
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

func (r *recorder) summary(elapsed time.Duration) Summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.Sort(r.latencies)
	s := Summary{
		Calls: r.calls, Notifications: r.sent, Retries: r.retries, Tokens: r.tokens, Elapsed: elapsed,
		P50: quantile(r.latencies, 0.50), P99: quantile(r.latencies, 0.99), Max: quantile(r.latencies, 1),
	}
	for v, count := range r.violations {
		v.Count = count
		s.Violations = append(s.Violations, v)
	}
	slices.SortFunc(s.Violations, func(a, b ViolationCount) int {
		return cmp.Or(-cmp.Compare(a.Count, b.Count), cmp.Compare(a.Operation, b.Operation),
			cmp.Compare(a.Status, b.Status), cmp.Compare(a.Violation.String(), b.Violation.String()))
	})
	for u, count := range r.unexpected {
		u.Count = count
		s.Unexpected = append(s.Unexpected, u)
	}
	slices.SortFunc(s.Unexpected, func(a, b UnexpectedEnd) int {
		return cmp.Or(-cmp.Compare(a.Count, b.Count), cmp.Compare(a.Operation, b.Operation),
			cmp.Compare(a.Status, b.Status), cmp.Compare(a.Reason, b.Reason))
	})
	return s
}

// quantile is the nearest-rank quantile of sorted values, 0 when there are none.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(int(math.Ceil(q*float64(len(sorted))))-1, 0)]
}
