package delivery

import (
	"net/http"
	"strconv"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/delivery/outbound"
)

// Verdict is what came of one attempt.
type Verdict struct {
	Reason Reason
	// Status is the HTTP status; 0 when there was no answer.
	Status int
	// RetryAfter is how long the destination asked to be left alone; 0 when it did not. It is not bounded here.
	RetryAfter time.Duration
	// Detail is for the person who runs the server, and only for them: see outbound.Detail. Often empty.
	Detail string
}

// judge makes the verdict on an answer.
func judge(a outbound.Answer, now time.Time) Verdict {
	v := Verdict{Reason: reasonOf(a.Status), Status: a.Status}
	if v.Reason != Delivered && v.Reason != Gone {
		v.RetryAfter = retryAfter(a.Header.Get("Retry-After"), now)
	}
	return v
}

func reasonOf(status int) Reason {
	switch {
	case status >= 200 && status <= 299:
		return Delivered
	case status == http.StatusGone:
		return Gone
	case status == http.StatusRequestTimeout:
		return RequestTimeout
	case status == http.StatusTooManyRequests:
		return Throttled
	case status >= 300 && status <= 399:
		return Redirected
	case status >= 400 && status <= 499:
		return ClientError
	case status >= 500 && status <= 599:
		return ServerError
	default:
		return UnexpectedStatus
	}
}

// retryAfter reads a Retry-After, seconds or a date (RFC 9110 section 10.2.3). What cannot be read asks for nothing.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, date.Sub(now))
}

// pausesLane says whether the destination asked for a pause on the whole, and not for this one notification.
func (v Verdict) pausesLane() bool {
	return v.RetryAfter > 0 && (v.Status == http.StatusTooManyRequests || v.Status == http.StatusServiceUnavailable)
}

// Answer is what D1 is told about a notification that was forwarded in Synchronous mode.
type Answer int

// The answers.
const (
	// Unavailable: try again later. 503.
	Unavailable Answer = iota
	// Accepted: 204.
	Accepted
	// UnknownToken: the destination answered 404. 404 UNKNOWN_TOKEN.
	UnknownToken
	// Refused: the destination refused it for good. 500 MERCHANT_ERROR, which D1 does not retry.
	Refused
)

// Answer says what D1 is told when this verdict came of Forward. Only an answer that the destination means is passed on:
// a redirect is a fault of configuration, which may be mended before D1 tries again.
func (v Verdict) Answer() Answer {
	switch {
	case v.Reason == Delivered:
		return Accepted
	case v.Status == http.StatusNotFound:
		return UnknownToken
	case v.Status == http.StatusTooEarly:
		return Unavailable
	case v.Reason == ClientError || v.Reason == Gone:
		return Refused
	default:
		return Unavailable
	}
}
