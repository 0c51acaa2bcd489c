package translate

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// wholeSeconds answers t as the documents write it.
func wholeSeconds(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// believed answers the time of a use, zero when it lies in the future: a server whose clock is ahead must not keep a credential in use for as long.
func believed(use, now time.Time) time.Time {
	if use.After(now.Add(reportLag)) {
		return time.Time{}
	}
	return use
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sooner answers the earlier one of two times; zero stands for never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func statusTime(t time.Time) metav1.Time {
	if t.IsZero() {
		return metav1.Time{}
	}
	return metav1.NewTime(t)
}
