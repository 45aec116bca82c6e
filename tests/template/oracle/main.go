// The oracle of Sealer's template tests: Go's text/template with the functions that Bitnami's
// controller gives its templates. Reads requests as JSON lines, answers each with a JSON line.
//
//	oracle               {"name", "template", "data": {key: base64}} -> {"output": base64} | {"error": text}
//	oracle signatures    prints {function: Go type}
//	oracle bench N       reads one request, renders it N times as the controller does, prints seconds
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"reflect"
	"strconv"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

type request struct {
	Name     string            `json:"name"`
	Template string            `json:"template"`
	Data     map[string][]byte `json:"data"`
}

type answer struct {
	Output []byte `json:"output"`
	Error  string `json:"error,omitempty"`
}

// Sources: text/template/funcs.go has Go's own; sealedsecret_expansion.go removes these three.
func functions() template.FuncMap {
	all := sprig.GenericFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(all, name)
	}
	return all
}

func render(asked request, funcs template.FuncMap) (answered answer) {
	// A panic outside a function call would end the peer's pass, too; here it is an error.
	defer func() {
		if reason := recover(); reason != nil {
			answered = answer{Error: fmt.Sprint("panic: ", reason)}
		}
	}()
	data := map[string]string{}
	for key, value := range asked.Data {
		data[key] = string(value)
	}
	parsed, err := template.New(asked.Name).Funcs(funcs).Parse(asked.Template)
	if err != nil {
		return answer{Error: err.Error()}
	}
	var output bytes.Buffer
	if err := parsed.Execute(&output, data); err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Output: output.Bytes()}
}

func main() {
	funcs := functions()
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	if len(os.Args) > 1 && os.Args[1] == "signatures" {
		types := map[string]string{}
		for name, function := range funcs {
			types[name] = reflect.TypeOf(function).String()
		}
		json.NewEncoder(output).Encode(types)
		return
	}
	encoder := json.NewEncoder(output)
	for {
		line, err := input.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			log.Fatal(err)
		}
		if len(os.Args) > 2 && os.Args[1] == "bench" {
			times, _ := strconv.Atoi(os.Args[2])
			start := time.Now()
			for range times {
				if answered := render(asked, funcs); answered.Error != "" {
					log.Fatal(answered.Error)
				}
			}
			fmt.Fprintln(output, time.Since(start).Seconds())
			return
		}
		encoder.Encode(render(asked, funcs))
		// A dialogue: whoever asks one thing at a time gets each answer at once.
		if input.Buffered() == 0 {
			output.Flush()
		}
	}
}
