import sys, types
def unit(i):
    m=types.ModuleType(f'plugin_{i}') #C
    m.data='m'*30000+str(i)
    sys.modules[m.__name__]=m
