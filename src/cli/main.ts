#!/usr/bin/env node
import { openTerminal, packageFile } from '../platform/terminal.ts'
import { runCli } from './run.ts'

await runCli(openTerminal(), (path) => packageFile(import.meta.url, path))
