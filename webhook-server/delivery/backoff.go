package delivery

import (
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// backoff is how long to wait after so many failed attempts (1 or more). The wait doubles from initialSeconds on and is spread over
// its upper half by jitter, from [0, 1): after the first failure it lies within initialSeconds and twice that. It is never longer than
// maxSeconds and never shorter than initialSeconds.
func backoff(attempts int, r api.Retry, jitter float64) time.Duration {
	initial, longest := time.Duration(r.InitialSeconds)*time.Second, time.Duration(r.MaxSeconds)*time.Second
	upper := initial
	for range max(attempts, 1) {
		upper *= 2
		if upper >= longest {
			upper = longest
			break
		}
	}
	lower := max(initial, upper/2)
	return lower + time.Duration(jitter*float64(upper-lower))
}
