package outcome

import (
	"errors"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// What the API server says of a field is fit to be shown when it is nothing but the path of a field and one of its words for what is wrong
// with it. Its messages repeat values, and an admission webhook may put anything into all three.
var (
	fieldPath  = regexp.MustCompile(`^(metadata|data|type|immutable|spec|status)(\.[A-Za-z][A-Za-z0-9_-]{0,40}|\[[0-9]{1,4}\]){0,6}$`)
	fieldWrong = regexp.MustCompile(`^(FieldValue|FieldManager|Unexpected)[A-Za-z]{1,30}$`)
)

// fieldCauses answers the fields that the API server names, as " (data: FieldValueForbidden)"; empty when it names none.
func fieldCauses(err error) string {
	const most = 5
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return ""
	}
	var causes []string
	for _, cause := range status.Status().Details.Causes {
		if len(causes) < most && fieldPath.MatchString(cause.Field) && fieldWrong.MatchString(string(cause.Type)) {
			causes = append(causes, cause.Field+": "+string(cause.Type))
		}
	}
	if len(causes) == 0 {
		return ""
	}
	return " (" + strings.Join(causes, ", ") + ")"
}
