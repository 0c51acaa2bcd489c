package translate

import (
	"cmp"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// What stands in where a retry leaves it out, or was written before the schema had its default.
const (
	defaultMaxAgeHours    = 96
	defaultInitialSeconds = 1
	defaultMaxSeconds     = 3600
)

// standardDelays is the schedule that Standard Webhooks recommends: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
func standardDelays() []int {
	return []int{5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400}
}

// retryOf answers the schedule: the list of the user's, waits that double where one of the two bounds is given, else the standard list.
func retryOf(r v1alpha1.Retry) serving.Retry {
	schedule := serving.Retry{MaxAgeHours: int(cmp.Or(r.MaxAgeHours, defaultMaxAgeHours))}
	switch {
	case len(r.DelaysSeconds) > 0:
		for _, seconds := range r.DelaysSeconds {
			schedule.DelaysSeconds = append(schedule.DelaysSeconds, int(seconds))
		}
	case r.InitialSeconds > 0 || r.MaxSeconds > 0:
		schedule.InitialSeconds = int(cmp.Or(r.InitialSeconds, defaultInitialSeconds))
		schedule.MaxSeconds = int(cmp.Or(r.MaxSeconds, defaultMaxSeconds))
	default:
		schedule.DelaysSeconds = standardDelays()
	}
	return schedule
}
