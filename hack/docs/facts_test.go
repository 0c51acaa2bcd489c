package docs

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// fact is something of the schema that a reader needs to know.
type fact struct {
	what   string
	stands func(text string) bool
}

// facts answers the default, the values and the limits of a field and of the items of a list.
func facts(schema apiextensions.JSONSchemaProps) []fact {
	var all []fact
	if schema.Default != nil {
		var value any
		if err := json.Unmarshal(schema.Default.Raw, &value); err == nil {
			if text, ok := scalar(value); ok {
				all = append(all, inCode("its default", text))
			}
		}
	}
	for schema.Items != nil {
		if schema.MaxItems != nil {
			all = append(all, number("how many there may be", float64(*schema.MaxItems)))
		}
		schema = *schema.Items.Schema
	}
	for _, value := range schema.Enum {
		var text string
		if err := json.Unmarshal(value.Raw, &text); err == nil {
			all = append(all, inCode("the value", text))
		}
	}
	if schema.Minimum != nil {
		all = append(all, number("the least value", *schema.Minimum))
	}
	if schema.Maximum != nil {
		all = append(all, number("the greatest value", *schema.Maximum))
	}
	if schema.MaxLength != nil {
		all = append(all, number("how long it may be", float64(*schema.MaxLength)))
	}
	return all
}

func scalar(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case float64, bool:
		return fmt.Sprint(value), true
	default:
		return "", false
	}
}

func inCode(what, text string) fact {
	return fact{what + " `" + text + "`", func(section string) bool { return strings.Contains(section, "`"+text+"`") }}
}

func number(what string, value float64) fact {
	text := strconv.FormatFloat(value, 'f', -1, 64)
	found := regexp.MustCompile(`(^|[^0-9,.])` + text + `($|[^0-9,.]|[,.]($|[^0-9]))`)
	return fact{what + " " + text, func(section string) bool { return found.MatchString(strings.ReplaceAll(section, "`", "")) }}
}
